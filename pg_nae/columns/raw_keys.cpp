#include "pg_nae/columns/raw_keys.hpp"

namespace nae::columns {
namespace {

List* with_keys(List* expressions, List* keys) {
  ListCell* cell;
  foreach (cell, keys) {
    auto* key = static_cast<Node*>(lfirst(cell));
    if (key == nullptr) continue;
    if (IsA(key, GroupingSet))
      expressions = with_keys(expressions, reinterpret_cast<GroupingSet*>(key)->content);
    else if (IsA(key, RowExpr) &&
             reinterpret_cast<RowExpr*>(key)->row_format == COERCE_IMPLICIT_CAST)
      expressions = with_keys(expressions, reinterpret_cast<RowExpr*>(key)->args);
    else
      expressions = lappend(expressions, key);
  }
  return expressions;
}

}  // namespace

List* expressions_of_keys(List* keys) {
  return with_keys(NIL, keys);
}

}  // namespace nae::columns
