// BatchNode: the batch node as the executor runs it. It reads rows of its child ahead, asks all
// their calls at once, and hands them on one by one. Once a statement has shown that it wants many
// rows, the calls of the next are under way meanwhile.
#pragma once

#include "pg_nae/batch/batch.hpp"
#include "pg_nae/batch/code_ahead.hpp"

namespace nae::batch {

// Made by the executor as zeroed memory of the statement; destroyed with it, also by an error.
struct BatchNode {
  CustomScanState scan;  // first: the executor sees only this
  Call* calls;
  int call_count;
  int child_columns;
  bool exact;       // read no row that is not asked for
  bool repeats;     // the same values come again
  bool asks_ahead;  // for expressions above
  pg::StatementRoles roles;

  // Rows are emitted from one while the other is under way.
  Batch halves[2];
  int current;           // the half that is emitted
  std::size_t position;  // of its next row
  bool ahead;            // the other half has been read
  int capacity;          // of the next batch
  bool child_ended;
  std::uint64_t rows_read;   // since the last rescan
  std::uint64_t rows_taken;  // of these, rows of batches that were emitted to their end
  uint64 run_serial;         // of the run whose rows are counted
  uint64 run_rows;

  ScanState* table_scan;  // below, or nullptr
  CodeAhead codes;        // of rows that are about to be written

  std::uint64_t batches;
  pg::Traffic traffic;
};

// For EXPLAIN: the calls and, after a run, what they took.
void explain_batch(CustomScanState* state, List* ancestors, ExplainState* explain);

// Sums of this backend, for nae_stat_batch.
void count_batch(std::size_t rows, const pg::Traffic& traffic);
// Answers how many there have been.
std::uint64_t count_refused_plan();

}  // namespace nae::batch
