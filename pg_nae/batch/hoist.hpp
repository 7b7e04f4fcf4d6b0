// Hoisting: which cryptographic calls of an expression may be evaluated ahead of it, and the
// expression that is left when they are.
#pragma once

#include "pg_nae/batch/evaluation.hpp"

namespace nae::batch {

bool is_batchable_call(const Node* node);
bool contains_batchable_call(Node* node);

// Volatile code other than the calls themselves belongs to its row and is never run ahead of it;
// neither is what depends on an enclosing node's value.
bool is_bound_to_its_row(Node* node);
inline bool is_bound_to_its_row(List* expressions) {
  return is_bound_to_its_row(reinterpret_cast<Node*>(expressions));
}

// Whether the value may differ from row to row: of a column, an aggregate, a window function or a
// sub-select. count(*) and rank() have no column in them.
bool depends_on_row(Node* node);

// Divides expressions between a batch node and its child.
struct Lift {
  List* targets = NIL;         // what the child emits
  List* vacant = NIL;          // of the targets, those whose place nobody above reads
  List* calls = NIL;           // what the batch node computes
  List* ahead = NIL;           // calls that stay where they are, whose values it asks for ahead
  bool shared_only = false;    // add no call, use those that are there
  bool may_ahead = true;       // but ask ahead
  Bitmapset* inner = nullptr;  // Params that a sub-plan sets for what it is compared with
};

// The place among the targets of what an expression is, or 0.
int position_of_target(const Lift& lifted, const Node* expression);

// `expression` as evaluated over the batch node's row: columns and arguments of calls are added to
// the targets and replaced by INDEX_VAR. A call's own Var has a negative number until
// number_calls() has seen it: how many columns the child has is known at the end.
Node* lift(Node* expression, Lift& lifted);
void number_calls(Node* expression, int child_columns);

// Whether a row of the targets can be sorted, hashed and kept.
bool fits_a_row(const Lift& lifted);

// Whether lift() would take a call out of it.
bool has_hoistable_call(Node* expression);

// The place of the first clause of a filter with such a call, or -1. It and all clauses behind it
// move up together: their order is that of security.
int first_hoistable(List* quals);

}  // namespace nae::batch
