// Codes of blind indexes: a trigger keeps them, a row at a time. Where ModifyTable gets its rows
// from a batch node, that node knows many rows ahead what is written, and asks for their codes.
#include "pg_nae/batch/writes.hpp"
#include "pg_nae/columns/coding.hpp"

namespace nae::batch {
namespace {

struct CodedWrite {
  int target;  // of the plan below
  Oid table;
  AttrNumber column;
};

List* coded_writes_of(const ModifyTable* modification, int place, Relation relation) {
  List* writes = NIL;
  ListCell* cell;
  foreach (cell, columns::codings_of(relation)) {
    const AttrNumber column = static_cast<const columns::Coding*>(lfirst(cell))->column;
    const int target = target_for(modification, place, column);
    if (target == 0) continue;
    auto* write = static_cast<CodedWrite*>(palloc(sizeof(CodedWrite)));
    *write = {target, RelationGetRelid(relation), column};
    writes = lappend(writes, write);
  }
  return writes;
}

List* coded_writes(const Surgery& surgery, const ModifyTable* modification) {
  List* writes = NIL;
  for (int i = 0; i < list_length(modification->resultRelations); ++i) {
    Relation relation = open_written(surgery.statement, modification, i);
    if (columns::has_codings(relation))
      writes = list_concat(writes, coded_writes_of(modification, i, relation));
    table_close(relation, NoLock);
  }
  return writes;
}

// The column of a batch node's rows that a target hands on; 0: it is computed of them.
int handed_on(const Plan* batch, int target) {
  const auto* var = reinterpret_cast<const Var*>(target_at(batch->targetlist, target)->expr);
  return IsA(var, Var) && var->varno == INDEX_VAR ? var->varattno : 0;
}

// Rows that a filter drops are not written.
bool hands_on_all(const Plan* plan, List* writes) {
  if (!is_batch(plan) || plan->qual != NIL) return false;
  ListCell* cell;
  foreach (cell, writes)
    if (handed_on(plan, static_cast<const CodedWrite*>(lfirst(cell))->target) == 0) return false;
  return true;
}

}  // namespace

void ask_codes_ahead(Surgery& surgery, ModifyTable* modification) {
  if (!writes_rows(modification)) return;
  Plan*& below = modification->plan.lefttree;
  List* writes = coded_writes(surgery, modification);
  if (writes == NIL) return;
  if (!hands_on_all(below, writes)) {
    CustomScan* batch = batch_over(surgery, below, NIL);
    if (batch == nullptr) return;
    below = &batch->scan.plan;
  }
  ListCell* cell;
  foreach (cell, writes) {
    const auto* write = static_cast<const CodedWrite*>(lfirst(cell));
    if (const int column = handed_on(below, write->target))
      add_coded_column(reinterpret_cast<CustomScan*>(below), {column, write->table, write->column});
  }
}

}  // namespace nae::batch
