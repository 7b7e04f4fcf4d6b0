#include "pg_nae/batch/node.hpp"

#include <algorithm>

#include "pg_nae/batch/batch_plan.hpp"
#include "pg_nae/batch/run.hpp"
#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"
#endif
#include "pg_nae/pg/settings.hpp"

namespace nae::batch {
namespace {

// A statement that wants few rows must not decrypt many: batches grow while rows are asked for.
constexpr int kFirstBatch = 16;
constexpr int kGrowth = 4;

BatchNode& node_of(CustomScanState* state) {
  return *reinterpret_cast<BatchNode*>(state);
}

PlanState* child_of(BatchNode& node) {
  return outerPlanState(&node.scan.ss.ps);
}

// The scan whose row is the one emitted: what execCurrentOf() would find if we were not there.
ScanState* table_scan_below(PlanState* state) {
  switch (nodeTag(state)) {
    case T_ResultState:
    case T_LimitState:
      return outerPlanState(state) == nullptr ? nullptr : table_scan_below(outerPlanState(state));
    case T_SeqScanState:
    case T_SampleScanState:
    case T_IndexScanState:
    case T_BitmapHeapScanState:
    case T_TidScanState:
    case T_TidRangeScanState: {
      auto* scan = reinterpret_cast<ScanState*>(state);
      return scan->ss_currentRelation == nullptr ? nullptr : scan;
    }
    case T_CustomScanState:
      if (!is_batch(state->plan)) return nullptr;
      return reinterpret_cast<BatchNode*>(state)->table_scan == nullptr
                 ? nullptr
                 : reinterpret_cast<ScanState*>(state);
    default:
      return nullptr;
  }
}

extern const CustomExecMethods kExecMethods;

Node* create(CustomScan* plan) {
  auto* node = static_cast<BatchNode*>(palloc0(sizeof(BatchNode)));
  NodeSetTag(node, T_CustomScanState);
  node->scan.methods = &kExecMethods;
  node->exact = is_exact(plan);
  return reinterpret_cast<Node*>(node);
}

void begin(CustomScanState* state, EState* estate, int flags) {
  BatchNode& node = node_of(state);
  auto* plan = reinterpret_cast<CustomScan*>(state->ss.ps.plan);
  Plan* child = outerPlan(plan);
  outerPlanState(&state->ss.ps) =
      ExecInitNode(child, estate, flags & ~(EXEC_FLAG_BACKWARD | EXEC_FLAG_MARK));
  node.child_columns = list_length(child->targetlist);
  node.call_count = list_length(calls_of(plan));
  node.calls =
      static_cast<Call*>(palloc0(sizeof(Call) * static_cast<std::size_t>(node.call_count)));
  for (int i = 0; i < node.call_count; ++i) {
    prepare_call(plan, i, node.calls[i]);
    const bool opens = node.calls[i].how != nullptr && node.calls[i].how->opens;
    node.repeats = node.repeats || (opens && repeats_values(plan));
    node.asks_ahead = node.asks_ahead || node.calls[i].shape.ahead;
  }
  state->ss.ps.qual = ExecInitQual(filter_of(plan), &state->ss.ps);
  node.codes.create(plan);
  if ((flags & EXEC_FLAG_EXPLAIN_ONLY) != 0) return;

  // As for the privileges of tables: who starts the statement, whoever fetches its rows.
  node.roles = pg::current_roles();
  node.table_scan = table_scan_below(child_of(node));
  node.codes.begin(node.roles);
  for (Batch& half : node.halves)
    half.create(ExecGetResultType(child_of(node)), node.calls, node.call_count, node.roles,
                node.table_scan);
  node.capacity = kFirstBatch;
  if (node.table_scan != nullptr)
    state->ss.ss_currentRelation = node.table_scan->ss_currentRelation;
}

// Rows that the run asked for and did not get yet; 0: all there are.
uint64 rows_wanted(BatchNode& node) {
  Run run = run_of(&node.scan.ss.ps);
  if (run.rows == 0) return 0;
  if (run.top != &node.scan.ss.ps) return node.exact ? 1 : 0;
  if (run.serial != node.run_serial) {
    node.run_serial = run.serial;
    node.run_rows = 0;
  }
  return std::max<uint64>(run.rows - std::min(run.rows, node.run_rows), 1);
}

int largest_batch() {
#ifdef NAE_BATCH_FUZZ
  if (fuzzing()) return kFuzzBatchSize;
#endif
  return pg::settings.batch_size;
}

int next_capacity(BatchNode& node) {
  auto capacity = static_cast<uint64>(std::min(node.capacity, largest_batch()));
  node.capacity = std::min(node.capacity * kGrowth, largest_batch());
  uint64 wanted = rows_wanted(node);
  bool bounded = wanted != 0 && (node.exact || node.batches == 0);
  return static_cast<int>(bounded ? std::min(capacity, wanted) : capacity);
}

// Other rows pay for none.
columns::DecryptedValues* decrypted_values(const BatchNode& node) {
  return node.repeats || node.asks_ahead
             ? columns::DecryptedValues::of(node.scan.ss.ps.state->es_query_cxt)
             : nullptr;
}

void read(BatchNode& node, Batch& half) {
  auto capacity = static_cast<std::size_t>(next_capacity(node));
  // Both halves together take work_mem.
  std::size_t max_bytes = static_cast<std::size_t>(work_mem) * 1024 / 2;
  node.child_ended = !half.read(child_of(node), capacity, max_bytes, decrypted_values(node));
  node.rows_read += half.count();
}

void finish(BatchNode& node, Batch& half) {
  if (half.count() == 0) return;
  half.finish();
  ++node.batches;
  pg::Traffic traffic = half.traffic();
  node.codes.ask(half, traffic);
  node.traffic.add(traffic);
  count_batch(half.count(), traffic);
}

// Reading ahead keeps to the bound that growth sets: nothing is asked for a statement that has not
// taken its share of what was asked before.
bool may_read_ahead(BatchNode& node) {
#ifdef NAE_BATCH_FUZZ
  if (fuzzing()) return false;  // nothing is under way there
#endif
  // What is under way is not known yet, and would be asked for again.
  if (node.exact || node.child_ended || node.repeats) return false;
  auto next = static_cast<std::uint64_t>(std::min(node.capacity, largest_batch()));
  return node.rows_read + next <= node.rows_taken * (kGrowth + 1);
}

// Makes another half the current one; its rows have results. While its answers are awaited the
// child is read on into the half that is done.
void next_batch(BatchNode& node) {
  Batch& done = node.halves[node.current];
  Batch& next = node.halves[1 - node.current];
  node.rows_taken += done.count();
  bool was_ahead = node.ahead;
  if (!was_ahead) read(node, next);
  node.current = 1 - node.current;
  node.position = 0;
  node.ahead = was_ahead && may_read_ahead(node);
  if (node.ahead) read(node, done);
  finish(node, next);
  if (!was_ahead && may_read_ahead(node)) {
    node.ahead = true;
    read(node, done);
  }
  if (node.ahead) done.begin_ahead();
}

TupleTableSlot* no_more(BatchNode& node) {
  PlanState& state = node.scan.ss.ps;
  ExecClearTuple(node.scan.ss.ss_ScanTupleSlot);
  return state.ps_ProjInfo != nullptr ? ExecClearTuple(state.ps_ProjInfo->pi_state.resultslot)
                                      : node.scan.ss.ss_ScanTupleSlot;
}

TupleTableSlot* execute(CustomScanState* state) {
  BatchNode& node = node_of(state);
  PlanState& plan = state->ss.ps;
  ExprContext* context = plan.ps_ExprContext;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    Batch& half = node.halves[node.current];
    if (node.position >= half.count()) {
      if (node.child_ended && !node.ahead) return no_more(node);
      next_batch(node);
      continue;
    }
    std::size_t row = node.position++;
    ResetExprContext(context);
    half.store(row, state->ss.ss_ScanTupleSlot);
    context->ecxt_scantuple = state->ss.ss_ScanTupleSlot;
    if (plan.qual != nullptr && !ExecQual(plan.qual, context)) {
      InstrCountFiltered1(&state->ss, 1);
      continue;
    }
    ++node.run_rows;
    return plan.ps_ProjInfo != nullptr ? ExecProject(plan.ps_ProjInfo) : state->ss.ss_ScanTupleSlot;
  }
}

void end(CustomScanState* state) {
  BatchNode& node = node_of(state);
  ExecEndNode(child_of(node));
  for (Batch& half : node.halves) half.destroy();
}

void rescan(CustomScanState* state) {
  BatchNode& node = node_of(state);
  for (Batch& half : node.halves) half.drop();
  node.position = 0;
  node.ahead = false;
  node.child_ended = false;
  node.rows_read = node.rows_taken = 0;
  node.capacity = kFirstBatch;
  if (child_of(node)->chgParam == nullptr) ExecReScan(child_of(node));
}

const CustomExecMethods kExecMethods = {
    .CustomName = "NaeBatch",
    .BeginCustomScan = begin,
    .ExecCustomScan = execute,
    .EndCustomScan = end,
    .ReScanCustomScan = rescan,
    .MarkPosCustomScan = nullptr,
    .RestrPosCustomScan = nullptr,
    .EstimateDSMCustomScan = nullptr,
    .InitializeDSMCustomScan = nullptr,
    .ReInitializeDSMCustomScan = nullptr,
    .InitializeWorkerCustomScan = nullptr,
    .ShutdownCustomScan = nullptr,
    .ExplainCustomScan = explain_batch,
};

}  // namespace

const CustomScanMethods batch_scan_methods = {.CustomName = "NaeBatch",
                                              .CreateCustomScanState = create};

}  // namespace nae::batch
