// Walking and copying of PostgreSQL's trees, over the differences of its versions.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

using Walker = bool (*)(Node* node, void* state);
using Mutator = Node* (*)(Node* node, void* state);
using StateWalker = bool (*)(PlanState* node, void* state);

// Until 15 walkers are declared without parameters, which C++ takes for none. void (*)() is the one
// type that functions may be cast over.
#if PG_VERSION_NUM < 160000
inline auto untyped(Walker walker) {
  return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
}
inline auto untyped(StateWalker walker) {
  return reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker));
}
inline auto untyped(Mutator mutator) {
  return reinterpret_cast<Node* (*)()>(reinterpret_cast<void (*)()>(mutator));
}
#endif

inline bool walk_children(Node* node, Walker walker, void* state) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker_impl(node, walker, state);
#else
  return expression_tree_walker(node, untyped(walker), state);
#endif
}
inline Node* mutate_children(Node* node, Mutator mutator, void* state) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_mutator_impl(node, mutator, state);
#else
  return expression_tree_mutator(node, untyped(mutator), state);
#endif
}
inline bool walk_query(Query* query, Walker walker, void* state, int flags) {
#if PG_VERSION_NUM >= 160000
  return query_tree_walker_impl(query, walker, state, flags);
#else
  return query_tree_walker(query, untyped(walker), state, flags);
#endif
}
inline Query* mutate_query(Query* query, Mutator mutator, void* state, int flags) {
#if PG_VERSION_NUM >= 160000
  return query_tree_mutator_impl(query, mutator, state, flags);
#else
  return query_tree_mutator(query, untyped(mutator), state, flags);
#endif
}

// Of what the executor runs.
inline bool walk_states(PlanState* node, StateWalker walker, void* state) {
#if PG_VERSION_NUM >= 160000
  return planstate_tree_walker_impl(node, walker, state);
#else
  return planstate_tree_walker(node, untyped(walker), state);
#endif
}

// Of a raw parse tree, before analysis. PostgreSQL's own walker knows no assignment of PL/pgSQL.
inline bool walk_raw(Node* node, Walker walker, void* state) {
  if (node != nullptr && IsA(node, PLAssignStmt))
    return walker(reinterpret_cast<Node*>(reinterpret_cast<PLAssignStmt*>(node)->val), state);
#if PG_VERSION_NUM >= 160000
  return raw_expression_tree_walker_impl(node, walker, state);
#else
  return raw_expression_tree_walker(node, untyped(walker), state);
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

inline TargetEntry* target_at(const List* targets, int position) {
  return static_cast<TargetEntry*>(list_nth(targets, position - 1));
}

}  // namespace nae::pg
