// Walking and rewriting of expressions and plans, over the differences of PostgreSQL's versions.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::batch {

using Walker = bool (*)(Node* node, void* state);
using Mutator = Node* (*)(Node* node, void* state);

// Until 15 walkers are declared without parameters, which C++ takes for none. void (*)() is the one
// type that functions may be cast over.
inline bool walk_children(Node* node, Walker walker, void* state) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker_impl(node, walker, state);
#else
  return expression_tree_walker(
      node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), state);
#endif
}
inline Node* mutate_children(Node* node, Mutator mutator, void* state) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_mutator_impl(node, mutator, state);
#else
  return expression_tree_mutator(
      node, reinterpret_cast<Node* (*)()>(reinterpret_cast<void (*)()>(mutator)), state);
#endif
}

template <class T>
T* copy_of(const T* node) {
  return static_cast<T*>(copyObjectImpl(node));
}

// A shallow copy.
template <class T>
T* flat_copy(const T* node) {
  T* copy = static_cast<T*>(palloc(sizeof(T)));
  std::memcpy(copy, node, sizeof(T));
  return copy;
}

inline Var* make_var(int varno, int attribute, const Node* like) {
  return makeVar(varno, static_cast<AttrNumber>(attribute), exprType(like), exprTypmod(like),
                 exprCollation(like), 0);
}

inline TargetEntry* target_at(const List* targets, int position) {
  return static_cast<TargetEntry*>(list_nth(targets, position - 1));
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
