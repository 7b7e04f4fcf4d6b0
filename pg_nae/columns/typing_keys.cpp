// Keys: sorts, groups and set operations compare values by operators of their types, and encrypted
// ones only where equal ciphertexts are equal values.
#include "pg_nae/columns/declared.hpp"
#include "pg_nae/columns/set_operation.hpp"
#include "pg_nae/columns/typing_level.hpp"

namespace nae::columns {
namespace {

bool takes(Oid opno, Oid type) {
  const DeclaredOperator* declared = declared_operator(opno);
  if (declared == nullptr) return false;
  const Oid left = declared->left;
  return left == type || IsBinaryCoercible(type, left) || get_typtype(left) == TYPTYPE_PSEUDO;
}

bool is_equal_as_stored(const Node* expression) {
  const ColumnType* type = type_of(expression);
  return type != nullptr && type->deterministic && typmod_below_domain(expression) >= 0;
}

// `sorts`: in an order that somebody sees.
void check_key(const TypingLevel& level, const SortGroupClause* clause, Node* expression,
               bool sorts) {
  Oid type = exprType(expression);
  if ((OidIsValid(clause->eqop) && !takes(clause->eqop, type)) ||
      (OidIsValid(clause->sortop) && !takes(clause->sortop, type)))
    refuse_typing(level, expression, "a key is compared as one of another type");
  QueryLevel at{level.query, nullptr, false};
  if (!holds_encrypted(type) && !is_readable(expression, at)) return;
  if (sorts || !is_equal_as_stored(expression))
    refuse_typing(level, expression, "rows would be compared by ciphertexts");
}

void check_clauses(const TypingLevel& level, List* clauses, List* targets, bool sorts) {
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    TargetEntry* target = get_sortgroupclause_tle(clause, targets);
    check_key(level, clause, reinterpret_cast<Node*>(target->expr), sorts);
  }
}

struct Column {
  const TypingLevel& level;
  Oid type;
  int32 typmod;
};

void check_output(Node* output, void* state) {
  const auto& column = *static_cast<Column*>(state);
  const ColumnType* type = find_column_type(column.type);
  bool same = type == nullptr ? !holds_encrypted(exprType(output))
                              : exprType(output) == column.type &&
                                    (column.typmod < 0 || exprTypmod(output) == column.typmod);
  if (!same && !is_null_constant(output))
    refuse_typing(column.level, output, "branches of a set operation are encrypted otherwise");
}

}  // namespace

void check_aggregate_keys(const TypingLevel& level, const Aggref* aggregate) {
  check_clauses(level, aggregate->aggorder, aggregate->args, true);
  check_clauses(level, aggregate->aggdistinct, aggregate->args, false);
}

void check_keys(const TypingLevel& level) {
  const Query* query = level.query;
  check_clauses(level, query->groupClause, query->targetList, false);
  check_clauses(level, query->distinctClause, query->targetList, false);
  check_clauses(level, query->sortClause, query->targetList, true);
  ListCell* cell;
  foreach (cell, query->windowClause) {
    auto* window = lfirst_node(WindowClause, cell);
    check_clauses(level, window->partitionClause, query->targetList, false);
    check_clauses(level, window->orderClause, query->targetList, true);
  }
}

void check_set_operation(const TypingLevel& level) {
  if (level.query->setOperations == nullptr) return;
  auto* operation = reinterpret_cast<SetOperationStmt*>(level.query->setOperations);
  int number = 0;
  ListCell *type_cell, *typmod_cell;
  forboth(type_cell, operation->colTypes, typmod_cell, operation->colTypmods) {
    Column column{level, lfirst_oid(type_cell), lfirst_int(typmod_cell)};
    ++number;
    if (operation->groupClauses != NIL &&
        !takes(list_nth_node(SortGroupClause, operation->groupClauses, number - 1)->eqop,
               column.type))
      refuse_typing(level, nullptr, "rows are compared as ones of another type");
    each_branch_output(level.query, number, check_output, &column);
  }
}

}  // namespace nae::columns
