// Evaluation: how each kind of node in the expressions of a finished plan is evaluated, and so how
// an expression may be gone through.
#pragma once

#include "pg_nae/batch/tree.hpp"

namespace nae::batch {

// See node_kinds/expressions.def.
enum class Evaluation : std::uint8_t {
  plain,
  conditional,
  of_the_node,
  sub_plan,
  enclosed,
  never,
};
Evaluation evaluation_of(const Node* node);

// Where evaluation of a sub-expression depends on another's value. What is always evaluated of it
// can be hoisted all the same (lift()).
bool is_conditional(const Node* node);

// There are two ways through an expression, for two purposes that must not be confused.
//
// To take calls out: a sub-plan is left as it is. What stands in it is evaluated by the sub-plan,
// with Params that nothing but the sub-plan sets; taken out, a call would read them before that.
bool walk_calls(Node* node, pg::Walker walker, void* state);
Node* mutate_calls(Node* node, pg::Mutator mutator, void* state);

// To find or change columns: of all of it. What a sub-plan is given and compared with are columns
// of the row that the whole expression is over. The plan that it runs is of another level.
inline bool walk_columns(Node* node, pg::Walker walker, void* state) {
  return pg::walk_children(node, walker, state);
}
inline Node* mutate_columns(Node* node, pg::Mutator mutator, void* state) {
  return pg::mutate_children(node, mutator, state);
}

// The Params that evaluation of the expression reads and does not set itself.
Bitmapset* parameters_of(Node* expression, const PlannedStmt* statement);

}  // namespace nae::batch
