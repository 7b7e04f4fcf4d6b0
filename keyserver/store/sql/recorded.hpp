// Recorded: a transaction whose changed rows are a change of the ledger, committed with it or not
// at all.
#pragma once

#include <vector>

#include "keyserver/store/sql/ledger_table.hpp"

namespace nae::store::sql {

class Recorded {
 public:
  static Result<Recorded> begin(Database& database, LedgerTable& ledger);
  Recorded(Recorded&& other) noexcept
      : database_(other.database_),
        ledger_(std::exchange(other.ledger_, nullptr)),
        transaction_(std::move(other.transaction_)),
        touched_(std::move(other.touched_)) {}
  Recorded& operator=(Recorded&&) = delete;
  ~Recorded();

  // Before a row is written, or may be: Code::store_corrupt when it is not as the ledger has it.
  // A row that is written without this is found at the next start.
  Result<void> touch(Noun noun, Bytes identity);
  // Rows that came out as they were make no change. Where the database does not say what became of
  // the transaction, the ledger is read back: Code::store_unavailable when the change is not there,
  // or when that cannot be found out.
  Result<void> commit(ChangeKind kind);

 private:
  // Goes on asking for as long as the database says that this may take.
  Result<void> find_out();
  Result<bool> look_for(const LedgerPoint& mine);
  Recorded(Database& database, LedgerTable& ledger, Transaction transaction)
      : database_(&database), ledger_(&ledger), transaction_(std::move(transaction)) {}
  Database* database_;
  LedgerTable* ledger_;
  Transaction transaction_;
  std::vector<Item> touched_;  // as they were
};

}  // namespace nae::store::sql
