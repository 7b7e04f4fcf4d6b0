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
  node.call_count = list_length(plan->custom_private) - 1;
  node.calls =
      static_cast<Call*>(palloc0(sizeof(Call) * static_cast<std::size_t>(node.call_count)));
  for (int i = 0; i < node.call_count; ++i)
    prepare_call(plan, i, node.child_columns, node.calls[i]);
  if ((flags & EXEC_FLAG_EXPLAIN_ONLY) != 0) return;

  // As for the privileges of tables: who starts the statement, whoever fetches its rows.
  node.roles = pg::current_roles();
  node.arena.create();
  node.detoasted =
      AllocSetContextCreate(estate->es_query_cxt, "nae batch values", ALLOCSET_DEFAULT_SIZES);
  node.rows.create(ExecGetResultType(child_of(node)), node.call_count);
  node.round_trip.create(node.calls, static_cast<std::size_t>(node.call_count));
  node.capacity = kFirstBatch;
  node.table_scan = table_scan_below(child_of(node));
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

void note_address(BatchNode& node, std::size_t row, std::size_t capacity) {
  if (node.table_scan == nullptr) return;
  if (node.address_capacity < capacity) {
    std::size_t bytes = capacity * sizeof(RowAddress);
    MemoryContext statement = node.scan.ss.ps.state->es_query_cxt;
    node.addresses =
        static_cast<RowAddress*>(node.addresses == nullptr ? MemoryContextAlloc(statement, bytes)
                                                           : repalloc(node.addresses, bytes));
    node.address_capacity = capacity;
  }
  TupleTableSlot* slot = node.table_scan->ss_ScanTupleSlot;
  node.addresses[row] = {slot->tts_tid, slot->tts_tableOid};
}

void read_rows(BatchNode& node) {
  auto capacity = static_cast<std::size_t>(next_capacity(node));
  std::size_t max_bytes = static_cast<std::size_t>(work_mem) * 1024;
  node.rows.begin(capacity);
  while (node.rows.count() < capacity && node.arena.used_bytes() < max_bytes) {
    TupleTableSlot* slot = ExecProcNode(child_of(node));
    if (TupIsNull(slot)) {
      node.child_ended = true;
      return;
    }
    note_address(node, node.rows.count(), capacity);
    node.rows.append(slot, node.arena);
  }
}

void fill(BatchNode& node) {
  node.arena.reset();
  MemoryContextReset(node.detoasted);
  node.position = 0;
  read_rows(node);
  if (node.rows.count() == 0) return;
  MemoryContext before = MemoryContextSwitchTo(node.detoasted);
  pg::Traffic traffic = node.traffic;
  node.round_trip.run(node.rows, node.arena, node.roles, node.traffic);
  MemoryContextSwitchTo(before);
  ++node.batches;
  count_batch(node.rows.count(), traffic, node.traffic);
}

// Puts a row where the node's filter and target list look for it.
void store_row(BatchNode& node, std::size_t row) {
  TupleTableSlot* slot = node.scan.ss.ss_ScanTupleSlot;
  ExecClearTuple(slot);
  auto width = static_cast<std::size_t>(node.rows.width());
  std::memcpy(slot->tts_values, node.rows.values(row), sizeof(Datum) * width);
  std::memcpy(slot->tts_isnull, node.rows.nulls(row), width);
  ExecStoreVirtualTuple(slot);
  if (node.table_scan == nullptr) return;
  slot->tts_tid = node.addresses[row].place;
  slot->tts_tableOid = node.addresses[row].table;
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
    if (node.position >= node.rows.count()) {
      if (node.child_ended) return no_more(node);
      fill(node);
      continue;
    }
    std::size_t row = node.position++;
    ResetExprContext(context);
    if (node.round_trip.is_troubled(row)) node.round_trip.raise_trouble(node.rows, row);
    store_row(node, row);
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
  node.arena.destroy();
  if (node.detoasted != nullptr) MemoryContextDelete(node.detoasted);
}

void rescan(CustomScanState* state) {
  BatchNode& node = node_of(state);
  node.rows.begin(0);
  node.position = 0;
  node.child_ended = false;
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
