// LedgerTable: the ledger of a store's file: its changes and newest snapshot, and the fold of them
// in memory. Not thread-safe: whoever holds the store's lock calls it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "keyserver/store/fold.hpp"
#include "keyserver/store/ledger.hpp"
#include "keyserver/store/sql/database.hpp"

namespace nae::store::sql {

// Changes that are read at a time.
inline constexpr std::size_t kLedgerPage = 1'000;

class LedgerTable {
 public:
  explicit LedgerTable(Database& database) : database_(database) {}

  // Whether the file holds a ledger.
  Result<bool> exists();
  bool is_open() const { return settings_.key != nullptr; }
  LedgerPoint head() const { return head_; }

  Result<LedgerReport> begin(LedgerSettings settings);
  Result<LedgerReport> open(LedgerSettings settings);
  Result<LedgerReport> verify();
  Result<std::optional<LedgerHash>> change_hash(std::uint64_t epoch);
  Result<std::vector<Change>> changes_after(std::uint64_t epoch, std::size_t most);

  // In a transaction of the caller: takes up what another process has written since. Code::conflict
  // when the file holds a ledger that is not open, Code::store_corrupt when its schema was changed.
  Result<void> catch_up();
  // The row that stands in the table, against the fold; nothing to compare with when there is no
  // ledger.
  Result<void> check(const Item& item) const;
  // That no row of the ledger's is missing: Code::store_corrupt, with the name of one. Rows that
  // stand are for check().
  Result<void> check_whole(Noun noun);
  // In a transaction of the caller, which calls committed() or undone() next.
  Result<void> append(ChangeKind kind, std::span<const Item> items);
  void committed() { undo_.clear(); }
  void undone();

 private:
  struct State {
    Fold fold;
    LedgerPoint head;
    std::uint64_t snapshot_epoch = 0;
  };
  Result<State> read(bool from_snapshot, std::uint64_t& changes);
  Result<std::optional<Snapshot>> read_snapshot();
  Result<Statement> changes_from(std::uint64_t epoch, std::size_t most);
  Result<Change> read_next(Statement& rows, const LedgerPoint& after);
  Result<std::size_t> compare(const Fold& fold);
  Result<void> name_missing(const Fold& fold);
  Result<void> write(ChangeKind kind, std::span<const Item> items);
  Result<void> write_snapshot();
  std::int64_t now_us() const;

  Database& database_;
  LedgerSettings settings_;
  Fold fold_;
  LedgerPoint head_;
  std::uint64_t snapshot_epoch_ = 0;
  std::int64_t schema_ = 0;  // the number of the schema that was compared
  struct Undo {
    Fold::Before fold;
    LedgerPoint head;
    std::uint64_t snapshot_epoch;
  };
  std::vector<Undo> undo_;
};

}  // namespace nae::store::sql
