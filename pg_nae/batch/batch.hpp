// Batch: rows of the child that were read together, and what came of their calls.
#pragma once

#include "pg_nae/batch/round_trip.hpp"
#include "pg_nae/batch/rows.hpp"
#include "pg_nae/columns/known_codes.hpp"
#include "pg_nae/pg/arena.hpp"

namespace nae::batch {

// Where the row that is emitted lies in the table, for UPDATE ... WHERE CURRENT OF.
struct RowAddress {
  ItemPointerData place;
  Oid table;
};

// Zeroed memory of the statement, used for one batch after the other.
class Batch {
 public:
  // Memory of the current context. `table_scan` below, whose rows are the child's, or nullptr.
  void create(TupleDesc child, Call* calls, int call_count, const pg::StatementRoles& roles,
              ScanState* table_scan);
  void destroy();

  // Reads rows of the child until there are `capacity` or they take max_bytes; false when the
  // child has no more. `decrypted` as in RoundTrip::gather.
  bool read(PlanState* child, std::size_t capacity, std::size_t max_bytes,
            columns::DecryptedValues* decrypted);
  // Sends their calls ahead where that is possible.
  void begin_ahead() { round_trip_.begin_ahead(); }
  // Their calls have results afterwards.
  void finish();
  // It is not wanted any more.
  void drop();

  std::size_t count() const { return rows_.count(); }
  const pg::Traffic& traffic() const { return round_trip_.traffic(); }
  // What a column of the rows is written as, of those that have a value; memory is the batch's.
  std::span<const columns::WrittenValue> values_of(int column);
  // Puts a row where the node's filter and target list look for it; raises what is wrong with it.
  void store(std::size_t row, TupleTableSlot* slot);

 private:
  void note_address(std::size_t row, std::size_t capacity);
  void read_rows(PlanState* child, std::size_t capacity, std::size_t max_bytes);

  pg::Arena arena_;
  MemoryContext statement_;
  MemoryContext detoasted_;  // what else a batch needs
  Rows rows_;
  RoundTrip round_trip_;
  ScanState* table_scan_;
  const PlanState* child_;
  RowAddress* addresses_;
  std::size_t address_capacity_;
  bool child_ended_;
};

}  // namespace nae::batch
