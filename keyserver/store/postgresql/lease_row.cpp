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

Result<std::optional<LedgerPoint>> LeaseRow::newest_change() {
  NAE_ASSIGN(sql::Statement row,
             database_->query("SELECT epoch, bytes FROM ledger ORDER BY epoch DESC LIMIT 1"));
  NAE_ASSIGN(const bool found, row.step());
  if (!found) return std::nullopt;
  return LedgerPoint{static_cast<std::uint64_t>(row.integer(0)), hash_of(row.blob(1))};
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

// Under the lock that stands before every change: one that is under way ends first.
Result<std::optional<Holding>> LeaseRow::take(const LeaseState& seen, const std::string& node,
                                              const std::string& holder,
                                              std::chrono::milliseconds duration) {
  NAE_ASSIGN(sql::Transaction transaction, sql::Transaction::begin(*database_));
  NAE_ASSIGN(const std::int64_t number, number_of(node));
  NAE_TRY(database_->execute(
      "UPDATE lease SET generation = generation + 1, beat = 0, node = ?1, holder = ?2,"
      " duration_ms = ?3, released = 0 WHERE generation = ?4 AND beat = ?5"
      " AND holder = ?6",
      std::string_view(node), std::string_view(holder), std::int64_t{duration.count()},
      seen.generation, seen.beat, std::string_view(seen.holder)));
  if (database_->changes() == 0) return std::nullopt;
  NAE_TRY(transaction.commit());
  return Holding{seen.generation + 1, number, node, holder};
}

Result<bool> LeaseRow::renew(const Holding& holding) {
  // A statement that commits by itself would not say whether other machines have it.
  NAE_TRY(database_->begin_unlocked());
  auto renewed = database_->execute(
      "UPDATE lease SET beat = beat + 1 WHERE generation = ?1"
      " AND holder = ?2 AND released = 0",
      holding.generation, std::string_view(holding.holder));
  if (!renewed) {
    database_->roll_back();
    return fail(std::move(renewed).error());
  }
  const bool mine = database_->changes() == 1;
  NAE_ASSIGN(const sql::Outcome outcome, database_->commit());
  if (outcome == sql::Outcome::committed) return mine;
  return fail(Code::store_unavailable, "store: whether the lease was renewed is not known");
}

Result<void> LeaseRow::release(const Holding& holding) {
  return database_->execute(
      "UPDATE lease SET released = 1, beat = beat + 1 WHERE generation = ?1 AND holder = ?2",
      holding.generation, std::string_view(holding.holder));
}

}  // namespace nae::store::postgresql
