// Conditions on the rows that are written: CHECK constraints and WHEN of triggers decrypt values of
// encrypted columns, a row at a time. What they will want is asked for with many rows ahead, in the
// name of who writes, and is there when the condition is evaluated (columns/decrypted_values.hpp).
#include "pg_nae/batch/batchable.hpp"
#include "pg_nae/batch/writes.hpp"
#include "pg_nae/columns/coding.hpp"
#include "pg_nae/columns/column_type.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
}

namespace nae::batch {
namespace {

// Before a tree is read from its text: nae.is_ciphertext(), the CHECK of each encrypted column,
// calls one function and decrypts nothing.
bool calls_more_than_one(const char* tree) {
  int calls = 0;
  for (const char* at = tree; calls < 2 && (at = std::strstr(at, "funcid ")) != nullptr; ++at)
    ++calls;
  return calls == 2;
}

bool is_encrypted_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, Var))
    return columns::find_column_type(reinterpret_cast<Var*>(node)->vartype) != nullptr;
  return walk_columns(node, is_encrypted_walker, state);
}

// Conditions of a relation over encrypted columns, as they are evaluated: functions that stand in
// for PostgreSQL's own over an encrypted type are inlined.
struct Conditions {
  List* trees = NIL;
  List* numbers = NIL;  // of the new row's Vars in each

  void add(const char* text, int new_row) {
    if (text == nullptr || !calls_more_than_one(text)) return;
    auto* tree = static_cast<Node*>(stringToNode(text));
    if (!is_encrypted_walker(tree, nullptr)) return;
    trees = lappend(trees, expression_planner(reinterpret_cast<Expr*>(tree)));
    numbers = lappend_int(numbers, new_row);
  }
};

// Ours look at ciphertexts alone.
bool is_of_rows(const Trigger& trigger) {
  constexpr int kEvents = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE;
  return (trigger.tgtype & TRIGGER_TYPE_ROW) != 0 && (trigger.tgtype & kEvents) != 0 &&
         trigger.tgenabled != TRIGGER_DISABLED &&
         !std::string_view(trigger.tgname).starts_with("zzz_nae_");
}

bool has_encrypted(Relation relation) {
  TupleDesc shape = RelationGetDescr(relation);
  for (int i = 0; i < shape->natts; ++i)
    if (columns::find_column_type(TupleDescAttr(shape, i)->atttypid) != nullptr) return true;
  return false;
}

Conditions conditions_of(Relation relation) {
  Conditions conditions;
  if (!has_encrypted(relation)) return conditions;
  const TupleConstr* constraints = RelationGetDescr(relation)->constr;
  for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i)
    conditions.add(constraints->check[i].ccbin, 1);
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
    if (is_of_rows(triggers->triggers[i]))
      conditions.add(triggers->triggers[i].tgqual, PRS2_NEW_VARNO);
  return conditions;
}

struct Search {
  Surgery& surgery;
  ModifyTable* modification;
  int place;    // of the relation among those that are written
  int new_row;  // number of its Vars
  List* calls;  // that were found
};

// A column that is not written is read with the row, where the plan below scans nothing but that.
int read_column(const Search& search, const Var* var) {
  Plan* below = search.modification->plan.lefttree;
  const auto relation =
      static_cast<Index>(list_nth_int(search.modification->resultRelations, search.place));
  if (search.modification->operation != CMD_UPDATE ||
      !(IsA(below, SeqScan) || IsA(below, IndexScan) || IsA(below, BitmapHeapScan)) ||
      reinterpret_cast<Scan*>(below)->scanrelid != relation)
    return 0;
  Var* column = copy_of(const_cast<Var*>(var));
  column->varno = static_cast<int>(relation);
  return append_target(below->targetlist, reinterpret_cast<Expr*>(column))->resno;
}

bool is_written(const Search& search, AttrNumber column) {
  if (search.modification->operation == CMD_INSERT) return true;
  return list_member_int(
      static_cast<const List*>(list_nth(search.modification->updateColnosLists, search.place)),
      column);
}

bool search_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  auto& search = *static_cast<Search*>(state);
  if (!IsA(node, FuncExpr) || !opens_column(reinterpret_cast<FuncExpr*>(node)->funcid))
    return walk_columns(node, search_walker, state);
  auto* call = reinterpret_cast<FuncExpr*>(node);
  auto* var = reinterpret_cast<Var*>(linitial(call->args));
  if (!IsA(var, Var) || var->varno != search.new_row || var->varattno < 1) return false;
  const int target = is_written(search, var->varattno)
                         ? target_for(search.modification, search.place, var->varattno)
                         : read_column(search, var);
  if (target == 0) return false;
  FuncExpr* asked = copy_of(call);
  linitial(asked->args) =
      copy_of(target_at(search.modification->plan.lefttree->targetlist, target)->expr);
  if (!IsA(linitial(asked->args), Const)) search.calls = list_append_unique(search.calls, asked);
  return false;
}

}  // namespace

void ask_conditions_ahead(Surgery& surgery, ModifyTable* modification) {
  if (!writes_rows(modification)) return;
  Search search{surgery, modification, 0, 0, NIL};
  for (int i = 0; i < list_length(modification->resultRelations); ++i) {
    Relation relation = open_written(surgery.statement, modification, i);
    const Conditions conditions = conditions_of(relation);
    search.place = i;
    ListCell *tree, *number;
    forboth(tree, conditions.trees, number, conditions.numbers) {
      search.new_row = lfirst_int(number);
      search_walker(static_cast<Node*>(lfirst(tree)), &search);
    }
    table_close(relation, NoLock);
  }
  if (search.calls == NIL) return;
  if (CustomScan* batch = batch_over(surgery, modification->plan.lefttree, search.calls))
    modification->plan.lefttree = &batch->scan.plan;
}

// Of the statement itself: a WITH that writes is looked at where something else is batched.
bool may_ask_for_writes(const PlannedStmt* statement) {
  if (!IsA(statement->planTree, ModifyTable) || !columns::has_column_types()) return false;
  const auto* modification = reinterpret_cast<const ModifyTable*>(statement->planTree);
  if (!writes_rows(modification)) return false;
  for (int i = 0; i < list_length(modification->resultRelations); ++i) {
    Relation relation = open_written(statement, modification, i);
    const bool found = columns::has_codings(relation) || conditions_of(relation).trees != NIL;
    table_close(relation, NoLock);
    if (found) return true;
  }
  return false;
}

}  // namespace nae::batch
