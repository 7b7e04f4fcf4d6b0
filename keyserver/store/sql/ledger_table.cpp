#include "keyserver/store/sql/ledger_table.hpp"

#include <algorithm>
#include <array>

#include "keyserver/store/acting.hpp"
#include "keyserver/store/sql/ledger_rows.hpp"
#include "libnae/base/clock.hpp"

namespace nae::store::sql {
namespace {

// A snapshot after so many changes, and of a large store after a tenth as many as it has rows:
// writing one takes as long as the store is large, reading changes as long as there are many.
constexpr std::uint64_t kSnapshotChanges = 1'000;
constexpr std::uint64_t kRowsAChange = 10;

constexpr char kHint[] =
    "The store was changed past the key server. Bring back its last good backup, and find out who "
    "can write the file.";

std::string change_text(std::uint64_t epoch) {
  return "change " + std::to_string(epoch) + " of the ledger";
}

tl::unexpected<Error> refused(std::uint64_t epoch, const std::string& how) {
  return fail(Code::store_corrupt, "the store's " + change_text(epoch) + " " + how, kHint);
}

// Whose rows are one of the noun each.
std::string_view table_of(Noun noun) {
  switch (noun) {
    case Noun::fact:
      return "meta";
    case Noun::key:
      return "keys";
    case Noun::version:
      return "versions";
    case Noun::policy:
      return "policies";
    case Noun::device:
      return "devices";
    case Noun::admin:
      return "admins";
    case Noun::approval:
      return "approvals";
    case Noun::certificate:
      break;
  }
  return "key_certificates";
}

}  // namespace

std::int64_t LedgerTable::now_us() const {
  return settings_.now_us ? settings_.now_us() : unix_time_us();
}

Result<bool> LedgerTable::exists() {
  NAE_ASSIGN(std::int64_t newest, database_.integer("SELECT max(epoch) FROM ledger"));
  return newest > 0;
}

Result<Statement> LedgerTable::changes_from(std::uint64_t epoch, std::size_t most) {
  return database_.query(
      "SELECT epoch, bytes, mac FROM ledger WHERE epoch > ?1 ORDER BY epoch LIMIT ?2",
      static_cast<std::int64_t>(epoch), static_cast<std::int64_t>(most));
}

Result<Change> LedgerTable::read_next(Statement& rows, const LedgerPoint& after) {
  const auto epoch = static_cast<std::uint64_t>(rows.integer(0));
  if (epoch != after.epoch + 1) return refused(after.epoch + 1, "is missing");
  const Bytes bytes = rows.blob(1), mac = rows.blob(2);
  if (!settings_.key->verify(bytes, mac)) return refused(epoch, "is not the key server's");
  auto change = parse_change(bytes);
  if (!change) return refused(epoch, "cannot be read");
  if (change->epoch != epoch)
    return refused(epoch, "is that of number " + std::to_string(change->epoch));
  if (change->previous != after.hash)
    return refused(epoch, "does not follow " + change_text(after.epoch));
  return *std::move(change);
}

Result<std::optional<Snapshot>> LedgerTable::read_snapshot() {
  NAE_ASSIGN(Statement rows, database_.query("SELECT epoch, bytes, mac FROM ledger_snapshots"
                                             " ORDER BY epoch DESC LIMIT 1"));
  NAE_ASSIGN(bool found, rows.step());
  if (!found) return std::nullopt;
  const auto epoch = static_cast<std::uint64_t>(rows.integer(0));
  const Bytes bytes = rows.blob(1);
  auto snapshot = settings_.key->verify(bytes, rows.blob(2))
                      ? parse_snapshot(bytes)
                      : Result<Snapshot>(fail(Code::store_corrupt, ""));
  if (!snapshot || snapshot->point.epoch != epoch)
    return fail(Code::store_corrupt,
                "the store's snapshot of " + change_text(epoch) + " is not the key server's",
                kHint);
  NAE_ASSIGN(std::optional<LedgerHash> hash, change_hash(epoch));
  if (!hash) return refused(epoch, "is missing");
  if (*hash != snapshot->point.hash) return refused(epoch, "is not the one of its snapshot");
  return *std::move(snapshot);
}

Result<LedgerTable::State> LedgerTable::read(bool from_snapshot, std::uint64_t& changes) {
  State state;
  NAE_ASSIGN(std::optional<Snapshot> snapshot, read_snapshot());
  if (snapshot) state.snapshot_epoch = snapshot->point.epoch;
  if (snapshot && from_snapshot) {
    state.head = snapshot->point;
    state.fold = std::move(snapshot->fold);
  }
  // Page by page: a database may hand over a whole answer at once.
  for (std::size_t in_page = kLedgerPage; in_page == kLedgerPage;) {
    NAE_ASSIGN(Statement rows, changes_from(state.head.epoch, kLedgerPage));
    for (in_page = 0;; ++in_page) {
      NAE_ASSIGN(bool row, rows.step());
      if (!row) break;
      NAE_ASSIGN(const Change change, read_next(rows, state.head));
      state.fold.apply(change);
      state.head = {change.epoch, hash_of(rows.blob(1))};
      ++changes;
      if (snapshot && !from_snapshot && change.epoch == snapshot->point.epoch &&
          !(state.fold == snapshot->fold))
        return fail(Code::store_corrupt,
                    "the store's snapshot of " + change_text(change.epoch) +
                        " is not what the changes come to",
                    kHint);
    }
  }
  if (state.head.epoch == 0) return fail(Code::store_corrupt, "the store's ledger is gone", kHint);
  return state;
}

// Every row that stands is as the ledger has it, and every one that the ledger has stands.
Result<std::size_t> LedgerTable::compare(const Fold& fold) {
  std::size_t rows = 0;
  NAE_TRY(for_each_item(database_, [&](const Item& item) {
    ++rows;
    return fold.check(item);
  }));
  if (rows == fold.size()) return rows;
  NAE_TRY(name_missing(fold));
  return fail(Code::store_corrupt, "the store has not the rows that its ledger has", kHint);
}

// Fails for the first row that is not there.
Result<void> LedgerTable::name_missing(const Fold& fold) {
  std::vector<Item> known;
  fold.for_each([&](Noun noun, ByteView identity, const Fold::Entry&) {
    known.push_back({noun, Bytes(identity.begin(), identity.end()), std::nullopt});
  });
  std::ranges::sort(known, {}, [](const Item& item) {
    return std::pair(item.noun, std::string(as_text(item.identity)));
  });
  for (const Item& item : known) {
    NAE_ASSIGN(const Item stands, read_item(database_, item.noun, item.identity));
    if (!stands.content) return fold.check(item);
  }
  return {};
}

Result<LedgerReport> LedgerTable::begin(LedgerSettings settings) {
  NAE_ASSIGN(Transaction transaction, Transaction::begin(database_));
  NAE_TRY(database_.check_schema());
  settings_ = std::move(settings);
  fold_ = {};
  head_ = {};
  snapshot_epoch_ = 0;
  undo_.clear();
  // What stays of one that was not finished was never in force.
  NAE_TRY(database_.forget_ledger());
  std::vector<Item> items;
  std::size_t rows = 0;
  auto begun = for_each_item(database_, [&](Item item) -> Result<void> {
    ++rows;
    items.push_back(std::move(item));
    if (items.size() < kMaxItems) return {};
    NAE_TRY(write(ChangeKind::adopted, items));
    items.clear();
    return {};
  });
  if (begun && (!items.empty() || head_.epoch == 0)) begun = write(ChangeKind::adopted, items);
  if (begun) begun = write_snapshot();
  if (begun) {
    auto schema = database_.check_schema();  // the ledger's tables are new
    schema_ = schema.value_or(0);
    begun = schema.map([](auto) {});
  }
  if (begun) begun = transaction.commit();
  undo_.clear();
  if (!begun) {
    settings_ = {};
    return fail(std::move(begun).error());
  }
  return LedgerReport{head_.epoch, rows, snapshot_epoch_, head_};
}

Result<LedgerReport> LedgerTable::open(LedgerSettings settings) {
  NAE_ASSIGN(Transaction moment, Transaction::begin(database_));
  NAE_ASSIGN(const std::int64_t schema, database_.check_schema());
  settings_ = std::move(settings);
  LedgerReport report;
  auto state = read(true, report.changes);
  auto rows = state ? compare(state->fold) : Result<std::size_t>(fail(state.error()));
  if (!rows) {
    settings_ = {};
    return fail(std::move(rows).error());
  }
  schema_ = schema;
  fold_ = std::move(state->fold);
  head_ = state->head;
  snapshot_epoch_ = state->snapshot_epoch;
  report.rows = *rows;
  report.snapshot_epoch = snapshot_epoch_;
  report.head = head_;
  return report;
}

Result<LedgerReport> LedgerTable::verify() {
  if (!is_open()) return fail(Code::conflict, "the store's ledger is not open");
  NAE_ASSIGN(Transaction moment, Transaction::begin(database_));
  NAE_TRY(database_.check_schema());
  LedgerReport report;
  NAE_ASSIGN(const State state, read(false, report.changes));
  NAE_ASSIGN(report.rows, compare(state.fold));
  report.snapshot_epoch = state.snapshot_epoch;
  report.head = state.head;
  return report;
}

Result<std::optional<LedgerHash>> LedgerTable::change_hash(std::uint64_t epoch) {
  NAE_ASSIGN(Statement rows, database_.query("SELECT bytes FROM ledger WHERE epoch = ?1",
                                             static_cast<std::int64_t>(epoch)));
  NAE_ASSIGN(bool found, rows.step());
  if (!found) return std::nullopt;
  return hash_of(rows.blob(0));
}

Result<std::vector<Change>> LedgerTable::changes_after(std::uint64_t epoch, std::size_t most) {
  if (!is_open()) return fail(Code::conflict, "the store's ledger is not open");
  LedgerPoint after{epoch, {}};
  if (epoch > 0) {
    NAE_ASSIGN(std::optional<LedgerHash> hash, change_hash(epoch));
    if (!hash) return refused(epoch, "is missing");
    after.hash = *hash;
  }
  NAE_ASSIGN(Statement rows, changes_from(epoch, most));
  std::vector<Change> changes;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return changes;
    NAE_ASSIGN(Change change, read_next(rows, after));
    after = {change.epoch, hash_of(rows.blob(1))};
    changes.push_back(std::move(change));
  }
}

// A command that was let in while the server stood still, or a commit that went through although it
// was said to have failed: what is there is read back, never guessed.
Result<void> LedgerTable::catch_up() {
  NAE_ASSIGN(const auto newest, database_.integer("SELECT max(epoch) FROM ledger"));
  if (!is_open()) {
    if (newest == 0) return {};
    return fail(Code::conflict, "the store has a ledger, and this program has not opened it");
  }
  // A trigger writes rows in the transaction of the change, and the server would sign them.
  NAE_ASSIGN(const std::int64_t schema, database_.schema_mark());
  if (schema != schema_)
    return fail(Code::store_corrupt, "the store's schema was changed while it was open",
                "Start the server again: it says what is not its own.");
  const auto epoch = static_cast<std::uint64_t>(newest);
  if (epoch < head_.epoch)
    return fail(Code::store_rolled_back, "the store ends at " + change_text(epoch) +
                                             ", and was at " + change_text(head_.epoch) +
                                             " before");
  NAE_ASSIGN(std::optional<LedgerHash> hash, change_hash(head_.epoch));
  if (!hash || *hash != head_.hash)
    return fail(Code::store_rolled_back,
                "the store's " + change_text(head_.epoch) + " is another one than before");
  if (epoch == head_.epoch) return {};
  while (head_.epoch < epoch) {
    NAE_ASSIGN(const std::vector<Change> changes, changes_after(head_.epoch, kLedgerPage));
    if (changes.empty()) return refused(head_.epoch + 1, "is missing");
    for (const Change& change : changes) {
      fold_.apply(change);
      head_ = {change.epoch, hash_of(encode(change))};
    }
  }
  return {};
}

Result<void> LedgerTable::check(const Item& item) const {
  return is_open() ? fold_.check(item) : Result<void>{};
}

Result<void> LedgerTable::check_whole(Noun noun) {
  if (!is_open()) return {};
  NAE_ASSIGN(const std::int64_t rows,
             database_.integer("SELECT count(*) FROM " + std::string(table_of(noun))));
  if (static_cast<std::size_t>(rows) == fold_.count(noun)) return {};
  NAE_TRY(name_missing(fold_));
  return fail(Code::store_corrupt,
              "the store has other rows in " + std::string(table_of(noun)) + " than its ledger",
              kHint);
}

Result<void> LedgerTable::append(ChangeKind kind, std::span<const Item> items) {
  if (!is_open()) return {};
  do {
    const auto some = items.first(std::min(items.size(), kMaxItems));
    NAE_TRY(write(kind, some));
    items = items.subspan(some.size());
  } while (!items.empty());
  const std::uint64_t due = std::max<std::uint64_t>(kSnapshotChanges, fold_.size() / kRowsAChange);
  return head_.epoch - snapshot_epoch_ >= due ? write_snapshot() : Result<void>{};
}

Result<void> LedgerTable::write(ChangeKind kind, std::span<const Item> items) {
  Change change;
  change.epoch = head_.epoch + 1;
  change.kind = kind;
  change.time_us = now_us();
  change.node = settings_.node;
  change.admin = Acting::who();
  change.previous = head_.hash;
  change.items.assign(items.begin(), items.end());
  const Bytes bytes = encode(change);
  undo_.push_back({fold_.apply(change), head_, snapshot_epoch_});
  head_ = {change.epoch, hash_of(bytes)};
  return database_.execute("INSERT INTO ledger (epoch, bytes, mac) VALUES (?1, ?2, ?3)",
                           static_cast<std::int64_t>(change.epoch), ByteView(bytes),
                           ByteView(settings_.key->mac(bytes)));
}

Result<void> LedgerTable::write_snapshot() {
  const Bytes bytes = encode_snapshot(head_, fold_);
  NAE_TRY(database_.execute("DELETE FROM ledger_snapshots"));
  NAE_TRY(database_.execute("INSERT INTO ledger_snapshots (epoch, bytes, mac) VALUES (?1, ?2, ?3)",
                            static_cast<std::int64_t>(head_.epoch), ByteView(bytes),
                            ByteView(settings_.key->mac(bytes))));
  snapshot_epoch_ = head_.epoch;
  return {};
}

void LedgerTable::undone() {
  for (auto last = undo_.rbegin(); last != undo_.rend(); ++last) {
    fold_.undo(std::move(last->fold));
    head_ = last->head;
    snapshot_epoch_ = last->snapshot_epoch;
  }
  undo_.clear();
}

}  // namespace nae::store::sql
