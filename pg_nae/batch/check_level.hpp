// Level: what the expressions of one plan node may refer to, while a plan is checked.
#pragma once

#include "pg_nae/batch/check.hpp"

namespace nae::batch {

struct PlanCheck {
  const PlannedStmt* statement;
  int parameter_count;
  PlanFault fault;
  // For each sub-plan, by its number, the Params that it was checked with: it may be mentioned more
  // than once.
  Bitmapset** checked_with;
  bool* checked;
  // SET (a, b) = (SELECT ...) that runs once: PostgreSQL signals no change of these.
  Bitmapset* assigned;
};

struct Level {
  PlanCheck& check;
  const Plan* plan;
  // Where Vars of OUTER_VAR, INNER_VAR and INDEX_VAR are looked up; NIL: there are none.
  const List* outer = NIL;
  const List* inner = NIL;
  const List* indexed = NIL;
  const List* calls = NIL;         // the last of `indexed`, of a batch
  int relation = 0;                // the relation whose columns may be read; 0: none
  Bitmapset* relations = nullptr;  // or these
  bool any_relation = false;       // what is never evaluated may name any
  bool index_columns = false;      // INDEX_VAR counts the columns of the index itself
  Bitmapset* set = nullptr;        // PARAM_EXEC that somebody sets, above or here
  Bitmapset* set_here = nullptr;   // of these, what no change is signalled of
  bool signals = true;             // a change of what is read must be signalled: Plan.allParam
};

// Keeps the first fault that is found. Answers true, for walkers to end with.
bool refuse(const Level& level, const char* what);
inline bool is_refused(const Level& level) {
  return level.check.fault.what != nullptr;
}

// A plan and all below it, where the Params in `set` are set from above.
void check_plan(PlanCheck& check, const Plan* plan, Bitmapset* set);

// SET (a, b) = (SELECT ...): the columns that the sub-select sets are read by its neighbours.
Bitmapset* set_by_assignments(const List* targets);

// An expression or a list of them.
void check_expression(const Level& level, const Node* expression);
template <class T>
void check_expression(const Level& level, const T* expression) {
  check_expression(level, reinterpret_cast<const Node*>(expression));
}
// A SubPlan that stands in an expression, with the plan that it runs.
void check_sub_plan(const Level& level, const SubPlan* sub_plan);
// The SubPlans that set Params for a node and all below it; `set` holds them already.
void check_initial_plans(PlanCheck& check, const Plan* plan, Bitmapset* set);
Bitmapset* set_by_initial_plans(const Plan* plan, Bitmapset* set);

// Whether `source` may be read as a column of this type: a type whose modifier names a key is the
// modifier's too.
bool is_delivered(const Node* source, Oid type, int32 modifier);
// Whether the operator's left (or right) operand may be an expression of this type.
bool takes_operand(Oid operation, Oid type, bool right = false);

// Columns that a node sorts, groups or compares by, among `targets`.
void check_keys(const Level& level, const List* targets, int count, const AttrNumber* columns,
                const Oid* operators);

// What is special to one kind of node.
void check_own(Level& level, const Plan* plan);

}  // namespace nae::batch
