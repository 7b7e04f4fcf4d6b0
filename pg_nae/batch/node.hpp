// BatchNode: the batch node as the executor runs it. It reads rows of its child ahead, asks all
// their calls at once, and hands them on one by one.
#pragma once

#include "pg_nae/batch/arena.hpp"
#include "pg_nae/batch/round_trip.hpp"
#include "pg_nae/batch/rows.hpp"

namespace nae::batch {

// Where the row that is emitted lies in the table, for UPDATE ... WHERE CURRENT OF.
struct RowAddress {
  ItemPointerData place;
  Oid table;
};

// Made by the executor as zeroed memory of the statement; destroyed with it, also by an error.
struct BatchNode {
  CustomScanState scan;  // first: the executor sees only this
  Call* calls;
  int call_count;
  int child_columns;
  bool exact;  // read no row that is not asked for
  pg::StatementRoles roles;

  Arena arena;
  MemoryContext detoasted;  // what else one batch needs
  Rows rows;
  RoundTrip round_trip;
  std::size_t position;  // of the next row to emit
  int capacity;          // of the next batch
  bool child_ended;
  uint64 run_serial;  // of the run whose rows are counted
  uint64 run_rows;

  ScanState* table_scan;  // below, or nullptr
  RowAddress* addresses;
  std::size_t address_capacity;

  std::uint64_t batches;
  pg::Traffic traffic;
};

// For EXPLAIN: the calls and, after a run, what they took.
void explain_batch(CustomScanState* state, List* ancestors, ExplainState* explain);

// Sums of this backend, for nae_stat_batch.
void count_batch(std::size_t rows, const pg::Traffic& before, const pg::Traffic& after);

}  // namespace nae::batch
