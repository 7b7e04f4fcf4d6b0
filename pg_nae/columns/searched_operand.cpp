#include "pg_nae/columns/searched_operand.hpp"

namespace nae::columns {

Node* without_label(Node* node) {
  while (node != nullptr && IsA(node, RelabelType))
    node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
  return node;
}

Var* searched_operand(Node* operand) {
  operand = without_label(operand);
  if (operand == nullptr || !is_decryption(operand)) return nullptr;
  auto* stored = static_cast<Node*>(linitial(reinterpret_cast<FuncExpr*>(operand)->args));
  stored = without_label(stored);
  if (IsA(stored, CoerceToDomain))
    stored = without_label(reinterpret_cast<Node*>(reinterpret_cast<CoerceToDomain*>(stored)->arg));
  if (!IsA(stored, Var)) return nullptr;
  auto* column = reinterpret_cast<Var*>(stored);
  return column->varlevelsup == 0 && column->varattno > 0 ? column : nullptr;
}

Node* codes_condition(Oid operation, const Var* column, const SearchedColumn& searched, Node* call,
                      QueryLevel& level) {
  Node* codes = once_a_statement(call);
  level.has_sublink = true;
  Var* stored = makeVar(column->varno, searched.code_column, INT4ARRAYOID, -1, InvalidOid, 0);
#if PG_VERSION_NUM >= 160000
  stored->varnullingrels = bms_copy(column->varnullingrels);
#endif
  Expr* condition = make_opclause(operation, BOOLOID, false, reinterpret_cast<Expr*>(stored),
                                  reinterpret_cast<Expr*>(codes), InvalidOid, InvalidOid);
  set_opfuncid(reinterpret_cast<OpExpr*>(condition));
  return reinterpret_cast<Node*>(condition);
}

}  // namespace nae::columns
