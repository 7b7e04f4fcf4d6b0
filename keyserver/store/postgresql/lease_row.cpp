#include "keyserver/store/postgresql/lease_row.hpp"

#include <algorithm>

#include "keyserver/store/postgresql/schema.hpp"

namespace nae::store::postgresql {

Result<std::unique_ptr<LeaseRow>> LeaseRow::open(const Target& target,
                                                 std::chrono::milliseconds lease) {
  NAE_ASSIGN(
      auto database,
      Database::open(target, std::min(lease / 3, std::chrono::milliseconds(kPatience)), lease));
  database->write_unfenced();
  NAE_ASSIGN(const bool there, has_store(*database));
  if (!there) return fail(Code::not_initialised, "there is no store at " + target.text());
  return std::unique_ptr<LeaseRow>(new LeaseRow(std::move(database)));
}

Result<StoreSight> LeaseRow::look(const LedgerPoint& known) {
  const auto asked = static_cast<std::int64_t>(known.epoch);
  NAE_ASSIGN(sql::Statement row, database_->query(R"(
SELECT coalesce((SELECT max(epoch) FROM ledger), 0), n.bytes, n.mac, k.hash,
    (current_setting('synchronous_standby_names') <> '')::int
  FROM (SELECT) AS one
    LEFT JOIN (SELECT bytes, mac FROM ledger WHERE epoch > ?1 ORDER BY epoch DESC LIMIT 1) AS n ON true
    LEFT JOIN (SELECT sha256(bytes) AS hash FROM ledger WHERE epoch = ?1) AS k ON true)",
                                                  asked));
  NAE_ASSIGN(const bool found, row.step());
  if (!found) return fail(Code::store_corrupt, "the store says nothing of its ledger");
  StoreSight sight;
  sight.newest = static_cast<std::uint64_t>(row.integer(0));
  sight.bytes = row.blob(1);
  sight.mac = row.blob(2);
  sight.asked = known.epoch;
  const Bytes hash = row.blob(3);
  if (hash.size() == LedgerHash().size()) {
    sight.there.emplace();
    std::ranges::copy(hash, sight.there->begin());
  }
  sight.synchronous = row.integer(4) != 0;
  return sight;
}

Result<LeaseState> LeaseRow::read() {
  NAE_ASSIGN(sql::Statement row,
             database_->query("SELECT generation, beat, node, holder, duration_ms, released"
                              " FROM lease"));
  NAE_ASSIGN(const bool found, row.step());
  if (!found) return fail(Code::store_corrupt, "the store has no row of its lease");
  return LeaseState{row.integer(0),
                    row.integer(1),
                    row.text(2),
                    row.text(3),
                    std::chrono::milliseconds(row.integer(4)),
                    row.integer(5) != 0};
}

Result<std::int64_t> LeaseRow::number_of(const std::string& node) {
  NAE_TRY(
      database_->execute("INSERT INTO nodes (number, name)"
                         " SELECT coalesce(max(number), 0) + 1, ?1 FROM nodes"
                         " ON CONFLICT (name) DO NOTHING",
                         std::string_view(node)));
  NAE_ASSIGN(sql::Statement row,
             database_->query("SELECT number FROM nodes WHERE name = ?1", std::string_view(node)));
  NAE_ASSIGN(const bool found, row.step());
  if (!found) return fail(Code::store_corrupt, "the store lost its row of the node " + node);
  return row.integer(0);
}

Result<NodeRun> LeaseRow::run_of(const std::string& node) {
  NAE_ASSIGN(sql::Statement row,
             database_->query("SELECT run, beat, duration_ms, state, address FROM nodes"
                              " WHERE name = ?1",
                              std::string_view(node)));
  NAE_ASSIGN(const bool found, row.step());
  if (!found) return NodeRun{};
  const auto state = static_cast<NodeState>(row.integer(3));
  return NodeRun{row.text(0),
                 row.integer(1),
                 std::chrono::milliseconds(row.integer(2)),
                 state == NodeState::left,
                 row.text(4),
                 state == NodeState::in_charge};
}

// A change may be seen whose wait for a standby was cancelled. What is committed after it, on the
// same machine, comes to that standby after it.
Result<std::optional<StoreSight>> LeaseRow::announce(const NodeRun& seen, const NodeBeat& beat) {
  if (const auto number = number_of(beat.name); !number) {
    // Two new nodes at once, and one was faster.
    if (number.error().code == Code::conflict) return std::nullopt;
    return fail(number.error());
  }
  NAE_TRY(database_->begin_unlocked());
  auto sight = announce_in_transaction(seen, beat);
  if (!sight || !*sight) {
    database_->roll_back();
    return sight;
  }
  NAE_ASSIGN(const sql::Outcome outcome, database_->commit());
  if (outcome == sql::Outcome::committed) return sight;
  return fail(Code::store_unavailable, "store: whether it keeps what was seen there is not known");
}

Result<std::optional<StoreSight>> LeaseRow::announce_in_transaction(const NodeRun& seen,
                                                                    const NodeBeat& beat) {
  NAE_ASSIGN(StoreSight sight, look(beat.newest));
  NAE_TRY(database_->execute(
      "UPDATE nodes SET run = ?2, beat = beat + 1, duration_ms = ?3, state = 1, version = ?4,"
      " address = ?5, epoch = ?6, heard_at = clock_timestamp()"
      " WHERE name = ?1 AND (run = ?2 OR (run = ?7 AND beat = ?8))",
      std::string_view(beat.name), std::string_view(beat.run), std::int64_t{beat.duration.count()},
      std::string_view(beat.version), std::string_view(beat.address),
      static_cast<std::int64_t>(beat.newest.epoch), std::string_view(seen.run), seen.beat));
  if (database_->changes() != 1) return std::nullopt;
  return sight;
}

// Within a transaction that has found the row or the lease to be this run's: the lease tells who is
// in charge, whatever stood here.
Result<void> LeaseRow::say(NodeState state, const LedgerPoint& newest) {
  if (!beat_) return {};
  return database_->execute(
      "UPDATE nodes SET run = ?2, beat = beat + 1, duration_ms = ?3, state = ?4, version = ?5,"
      " address = ?6, epoch = greatest(epoch, ?7), heard_at = clock_timestamp() WHERE name = ?1",
      std::string_view(beat_->name), std::string_view(beat_->run),
      std::int64_t{beat_->duration.count()}, static_cast<std::int64_t>(state),
      std::string_view(beat_->version), std::string_view(beat_->address),
      static_cast<std::int64_t>(newest.epoch));
}

// False when the row is another run's.
Result<bool> LeaseRow::lock_own_row() {
  NAE_ASSIGN(sql::Statement row,
             database_->query("SELECT 1 FROM nodes WHERE name = ?1 AND run = ?2 FOR UPDATE",
                              std::string_view(beat_->name), std::string_view(beat_->run)));
  return row.step();
}

// The row is written before the ledger is read: a change that this does not see is committed later,
// and whoever made it finds the row as it stood before or as it stands now.
Result<Followed> LeaseRow::follow_in_transaction(const LedgerPoint& applied,
                                                 const LedgerPoint& known) {
  using Outcome = Followed::Outcome;
  NAE_TRY(say(NodeState::following, known));
  NAE_TRY(database_->execute(
      "UPDATE nodes SET applied = ?3, applied_hash = ?4 WHERE name = ?1 AND run = ?2",
      std::string_view(beat_->name), std::string_view(beat_->run),
      static_cast<std::int64_t>(applied.epoch), ByteView(applied.hash)));
  Followed followed;
  NAE_ASSIGN(const auto why, fence(beat_->name));
  NAE_ASSIGN(followed.lease, read());
  NAE_ASSIGN(const StoreSight of_applied, look(applied));
  NAE_ASSIGN(followed.sight, look(known));
  if (why)
    followed.outcome = Outcome::fenced;
  else if (of_applied.there != applied.hash)
    followed.outcome = Outcome::lost;
  else
    followed.outcome = of_applied.newest > applied.epoch ? Outcome::behind : Outcome::mine;
  return followed;
}

Result<Followed> LeaseRow::follow(const LedgerPoint& applied, const LedgerPoint& known) {
  if (!beat_) return fail(Code::internal, "a follower without a name");
  NAE_TRY(database_->begin_unlocked());
  auto mine = lock_own_row();
  auto followed = !mine   ? Result<Followed>(fail(mine.error()))
                  : *mine ? follow_in_transaction(applied, known)
                          : Result<Followed>(Followed{Followed::Outcome::taken});
  if (!followed || followed->outcome != Followed::Outcome::mine) {
    database_->roll_back();
    return followed;
  }
  NAE_ASSIGN(const sql::Outcome outcome, database_->commit());
  if (outcome == sql::Outcome::committed) return followed;
  return fail(Code::store_unavailable, "store: whether the beat was written is not known");
}

Result<void> LeaseRow::leave(const NodeBeat& beat) {
  return database_->execute(
      "UPDATE nodes SET state = 0, beat = beat + 1, heard_at = clock_timestamp()"
      " WHERE name = ?1 AND run = ?2",
      std::string_view(beat.name), std::string_view(beat.run));
}

Result<std::optional<std::string>> LeaseRow::fence(const std::string& node) {
  NAE_ASSIGN(sql::Statement row, database_->query("SELECT value FROM meta WHERE name = ?1",
                                                  std::string_view(fence_of(node))));
  NAE_ASSIGN(const bool fenced, row.step());
  if (!fenced) return std::nullopt;
  return row.text(0);
}

// Under the lock that stands before every change: one that is under way ends first.
Result<std::optional<Holding>> LeaseRow::take(const LeaseState& seen, const std::string& node,
                                              const std::string& holder,
                                              std::chrono::milliseconds duration) {
  NAE_ASSIGN(sql::Transaction transaction, sql::Transaction::begin(*database_));
  NAE_ASSIGN(const auto why, fence(node));
  if (why)
    return fail(Code::server_unavailable, "this key server, " + node + ", is fenced: " + *why,
                "An administrator lets it in again: nae node allow " + node);
  NAE_ASSIGN(const std::int64_t number, number_of(node));
  NAE_TRY(database_->execute(
      "UPDATE lease SET generation = generation + 1, beat = 0, node = ?1, holder = ?2,"
      " duration_ms = ?3, released = 0 WHERE generation = ?4 AND beat = ?5"
      " AND holder = ?6",
      std::string_view(node), std::string_view(holder), std::int64_t{duration.count()},
      seen.generation, seen.beat, std::string_view(seen.holder)));
  if (database_->changes() == 0) return std::nullopt;
  if (beat_) {
    NAE_ASSIGN(const bool mine, lock_own_row());
    if (!mine)
      return fail(Code::server_unavailable,
                  "another run of this key server, " + node + ", has taken its name");
  }
  NAE_TRY(say(NodeState::in_charge, {}));
  NAE_TRY(transaction.commit());
  return Holding{seen.generation + 1, number, node, holder};
}

Result<Renewed> LeaseRow::renew_in_transaction(const Holding& holding, const LedgerPoint& known) {
  NAE_TRY(
      database_->execute("UPDATE lease SET beat = beat + 1 WHERE generation = ?1"
                         " AND holder = ?2 AND released = 0",
                         holding.generation, std::string_view(holding.holder)));
  Renewed renewed{database_->changes() == 1 ? Renewal::mine : Renewal::taken, {}};
  if (renewed.outcome == Renewal::taken) return renewed;
  NAE_ASSIGN(renewed.sight, look(known));
  NAE_ASSIGN(const auto why, fence(holding.node));
  if (why) renewed.outcome = Renewal::fenced;
  NAE_TRY(say(NodeState::in_charge, known));
  return renewed;
}

Result<Renewed> LeaseRow::renew(const Holding& holding, const LedgerPoint& known) {
  // A statement that commits by itself would not say whether other machines have it.
  NAE_TRY(database_->begin_unlocked());
  auto renewed = renew_in_transaction(holding, known);
  if (!renewed) {
    database_->roll_back();
    return renewed;
  }
  NAE_ASSIGN(const sql::Outcome outcome, database_->commit());
  if (outcome == sql::Outcome::committed) return renewed;
  return fail(Code::store_unavailable, "store: whether the lease was renewed is not known");
}

Result<void> LeaseRow::release(const Holding& holding) {
  // First: whoever sees that the lease was given back may look for this one's name.
  if (beat_) NAE_TRY(leave(*beat_));
  return database_->execute(
      "UPDATE lease SET released = 1, beat = beat + 1 WHERE generation = ?1 AND holder = ?2",
      holding.generation, std::string_view(holding.holder));
}

}  // namespace nae::store::postgresql
