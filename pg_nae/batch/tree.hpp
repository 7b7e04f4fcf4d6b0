// Walking and rewriting of expressions and plans.
#pragma once

#include "pg_nae/pg/nodes.hpp"

namespace nae::batch {

using pg::copy_of;
using pg::flat_copy;
using pg::target_at;

inline Var* make_var(int varno, int attribute, const Node* like) {
  return makeVar(varno, static_cast<AttrNumber>(attribute), exprType(like), exprTypmod(like),
                 exprCollation(like), 0);
}

inline TargetEntry* append_target(List*& targets, Expr* expression) {
  TargetEntry* added =
      makeTargetEntry(expression, static_cast<AttrNumber>(list_length(targets) + 1), nullptr, true);
  targets = lappend(targets, added);
  return added;
}

// Visits the plans that are evaluated below `plan`; the visitor may replace them.
using ChildVisitor = void (*)(Plan** child, void* state);
void each_child(Plan* plan, ChildVisitor visit, void* state);

// The target list of a node that hands on what its child emits.
List* passed_on(const Plan* child);

}  // namespace nae::batch
