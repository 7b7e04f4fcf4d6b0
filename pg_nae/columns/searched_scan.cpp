#include "pg_nae/columns/searched_scan.hpp"

#include "pg_nae/columns/coding.hpp"
#include "pg_nae/columns/search_functions.hpp"

namespace nae::columns {
namespace {

struct Searches {
  List* words;
  bool has_run;
  List* once;  // SubPlans whose answers are kept to the end of the statement
  const ScanState* scan;
};

// The conditions of a scan, as they were written down for its rows.
List* conditions_of(const Plan* plan) {
  List* conditions = list_copy(plan->qual);
  if (IsA(plan, BitmapHeapScan))
    conditions =
        list_concat(conditions, reinterpret_cast<const BitmapHeapScan*>(plan)->bitmapqualorig);
  return conditions;
}

// Whether a parameter is what search_plan.cpp has put beside the codes: others, of joins and of
// sub-selects that run for each row, point to rows that are gone when the statement has run.
bool is_searched_for(const Searches& searches, int param) {
  const PlannedStmt* statement = searches.scan->ps.state->es_plannedstmt;
  ListCell* cell;
  foreach (cell, searches.once) {
    const auto* once = lfirst_node(SubPlan, cell);
    if (!list_member_int(once->setParam, param)) continue;
    const auto* plan = static_cast<Plan*>(list_nth(statement->subplans, once->plan_id - 1));
    return list_length(plan->targetlist) == 1 &&
           is_search_call(reinterpret_cast<Node*>(pg::target_at(plan->targetlist, 1)->expr));
  }
  return false;
}

// What a sub-select that ran once has answered; -1: it has not run.
int codes_in(const ScanState& scan, int param) {
  const ParamExecData& value = scan.ps.state->es_param_exec_vals[param];
  if (value.execPlan != nullptr || value.isnull || value.value == 0) return -1;
  const auto* codes = DatumGetArrayTypeP(value.value);
  return ArrayGetNItems(ARR_NDIM(codes), ARR_DIMS(codes));
}

const Coding* search_with(Relation relation, AttrNumber code_column) {
  ListCell* cell;
  foreach (cell, codings_of(relation)) {
    const auto* coding = static_cast<const Coding*>(lfirst(cell));
    if (coding->is_search && coding->code_column == code_column) return coding;
  }
  return nullptr;
}

void add_search(Searches& searches, const Var* codes, const Param* wanted) {
  if (!is_searched_for(searches, wanted->paramid)) return;
  const Coding* coding = search_with(searches.scan->ss_currentRelation, codes->varattno);
  if (coding == nullptr) return;
  const auto kind_bytes = static_cast<int>(coding->normalization.find('('));
  const int count = searches.has_run ? codes_in(*searches.scan, wanted->paramid) : -1;
  const char* counted = count < 0 ? "" : psprintf(count == 1 ? ", %d code" : ", %d codes", count);
  char* words = psprintf("%s (%.*s%s)", coding->column_name, kind_bytes,
                         coding->normalization.data(), counted);
  ListCell* cell;
  foreach (cell, searches.words)
    if (std::strcmp(static_cast<char*>(lfirst(cell)), words) == 0) return;
  searches.words = lappend(searches.words, words);
}

bool compares_codes(Oid operation) {
  return operation == OID_ARRAY_CONTAINS_OP || operation == any_code_operator();
}

// codes @> $0 and codes && $0, as codes_condition() has made them.
bool condition_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, OpExpr) && compares_codes(reinterpret_cast<OpExpr*>(node)->opno)) {
    const auto* contains = reinterpret_cast<OpExpr*>(node);
    const auto* codes = static_cast<Node*>(linitial(contains->args));
    const auto* wanted = static_cast<Node*>(lsecond(contains->args));
    if (IsA(codes, Var) && IsA(wanted, Param) &&
        reinterpret_cast<const Param*>(wanted)->paramkind == PARAM_EXEC)
      add_search(*static_cast<Searches*>(state), reinterpret_cast<const Var*>(codes),
                 reinterpret_cast<const Param*>(wanted));
  }
  return pg::walk_children(node, condition_walker, state);
}

bool state_walker(PlanState* state, void* to) {
  auto& searches = *static_cast<Searches*>(to);
  searches.once = list_concat(searches.once, state->plan->initPlan);
  if (IsA(state, BitmapHeapScanState) || IsA(state, SeqScanState)) {
    searches.scan = reinterpret_cast<const ScanState*>(state);
    condition_walker(reinterpret_cast<Node*>(conditions_of(state->plan)), to);
  }
  return pg::walk_states(state, state_walker, to);
}

}  // namespace

List* searches_below(PlanState* state, List* ancestors, bool has_run) {
  Searches searches{NIL, has_run, NIL, nullptr};
  ListCell* cell;
  foreach (cell, ancestors) {
    const auto* above = static_cast<Node*>(lfirst(cell));
    if (!IsA(above, SubPlan))
      searches.once = list_concat(searches.once, reinterpret_cast<const Plan*>(above)->initPlan);
  }
  state_walker(state, &searches);
  return searches.words;
}

}  // namespace nae::columns
