#include "pg_nae/columns/expressions.hpp"

#include "pg_nae/columns/value.hpp"
#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {
namespace {

FuncExpr* call_of(Oid function, Oid result, List* arguments) {
  return makeFuncExpr(function, result, arguments, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

Const* typmod_constant(int32 typmod) {
  return makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(typmod), false, true);
}

// Of a result that has one: the column's own, else the type's.
Oid collation_of(Node* expression, Oid result_type) {
  if (!type_is_collatable(result_type)) return InvalidOid;
  Oid own = exprCollation(expression);
  return OidIsValid(own) ? own : get_typcollation(result_type);
}

// A domain's value as the type below it, for which the functions are.
Node* below_domain(Node* expression, const ColumnType& type) {
  Oid own = exprType(expression);
  if (own == type.type || get_element_type(own) == type.type) return expression;
  return reinterpret_cast<Node*>(makeRelabelType(reinterpret_cast<Expr*>(expression), type.type,
                                                 exprTypmod(expression), exprCollation(expression),
                                                 COERCE_IMPLICIT_CAST));
}

bool is_pending_constant(const Const* constant) {
  return constant->constisnull || read_value(constant->constvalue).pending;
}

Node* plain_constant(const Const* constant, const ColumnType& type) {
  Oid oid = plain_oid(type.plain);
  int16 length;
  bool by_value;
  get_typlenbyval(oid, &length, &by_value);
  Datum value = constant->constisnull
                    ? Datum{0}
                    : plain_value(type.plain, read_value(constant->constvalue).plaintext);
  return reinterpret_cast<Node*>(
      makeConst(oid, -1, get_typcollation(oid), length, value, constant->constisnull, by_value));
}

const FuncExpr* as_call(const Node* node) {
  return IsA(node, FuncExpr) ? reinterpret_cast<const FuncExpr*>(node) : nullptr;
}

// What an operand refers to outside itself: a column, an aggregate, a CTE, of whatever level. Depth
// counts the sub-selects around the node within the operand.
bool outside_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  const auto depth = *static_cast<const Index*>(state);
  switch (nodeTag(node)) {
    case T_Var:
      return reinterpret_cast<Var*>(node)->varlevelsup >= depth;
    case T_Param:
      return reinterpret_cast<Param*>(node)->paramkind == PARAM_SUBLINK && depth == 0;
    case T_CaseTestExpr:
    case T_WindowFunc:
      if (depth == 0) return true;
      break;
    case T_Aggref:
      if (reinterpret_cast<Aggref*>(node)->agglevelsup >= depth) return true;
      break;
    case T_GroupingFunc:
      if (reinterpret_cast<GroupingFunc*>(node)->agglevelsup >= depth) return true;
      break;
    case T_RangeTblEntry: {
      auto* relation = reinterpret_cast<RangeTblEntry*>(node);
      return relation->rtekind == RTE_CTE && relation->ctelevelsup >= depth;
    }
    case T_Query: {
      Index below = depth + 1;
      return pg::walk_query(reinterpret_cast<Query*>(node), outside_walker, &below,
                            QTW_EXAMINE_RTES_BEFORE);
    }
    default:
      break;
  }
  return pg::walk_children(node, outside_walker, state);
}

FuncExpr* with_collation(FuncExpr* call, Node* argument) {
  call->funccollid = collation_of(argument, call->funcresulttype);
  return call;
}

}  // namespace

const ColumnType* type_of(const Node* expression) {
  return find_column_type(exprType(expression));
}

int32 typmod_below_domain(const Node* expression) {
  int32 typmod = exprTypmod(expression);
  const Oid own = exprType(expression);
  const ColumnType* type = find_column_type(own);
  if (type == nullptr || type->type != own) getBaseTypeAndTypmod(own, &typmod);
  return typmod;
}

Node* decrypted(Node* expression) {
  const ColumnType& type = *type_of(expression);
  if (IsA(expression, Const) && is_pending_constant(reinterpret_cast<Const*>(expression)))
    return plain_constant(reinterpret_cast<Const*>(expression), type);
  if (const FuncExpr* call = as_call(expression); call != nullptr && call->funcid == type.pend)
    return static_cast<Node*>(linitial(call->args));
  int32 typmod = typmod_below_domain(expression);
  Node* argument = below_domain(expression, type);
  Oid plain = plain_oid(type.plain);
  FuncExpr* call =
      typmod < 0 ? call_of(type.decrypt, plain, list_make1(argument))
                 : call_of(type.decrypt_of, plain, list_make2(argument, typmod_constant(typmod)));
  return reinterpret_cast<Node*>(with_collation(call, expression));
}

Node* cast_to_plaintext(Node* expression, CoercionForm form) {
  const ColumnType& type = *type_of(expression);
  FuncExpr* call =
      call_of(type.decrypt, plain_oid(type.plain), list_make1(below_domain(expression, type)));
  call->funcformat = form;
  return reinterpret_cast<Node*>(with_collation(call, expression));
}

Node* decrypted_whole(Node* expression) {
  const ColumnType& type = *type_of(expression);
  auto* whole = reinterpret_cast<Node*>(makeBoolConst(true, false));
  List* arguments = list_make3(below_domain(expression, type),
                               typmod_constant(typmod_below_domain(expression)), whole);
  FuncExpr* call = call_of(type.decrypt_whole, plain_oid(type.plain), arguments);
  return reinterpret_cast<Node*>(with_collation(call, expression));
}

Node* decrypted_array(Node* expression) {
  const ColumnType& type = *find_column_type_of_array(exprType(expression));
  if (exprType(expression) != type.array_type)  // of a domain
    expression = reinterpret_cast<Node*>(
        makeRelabelType(reinterpret_cast<Expr*>(expression), type.array_type, -1,
                        exprCollation(expression), COERCE_IMPLICIT_CAST));
  FuncExpr* call = call_of(type.decrypt_array, plain_array_oid(type.plain), list_make1(expression));
  return reinterpret_cast<Node*>(with_collation(call, expression));
}

Node* as_pending(Node* plain, const ColumnType& type) {
  return reinterpret_cast<Node*>(
      with_collation(call_of(type.pend, type.type, list_make1(plain)), plain));
}

Node* stored_again(Node* plain, const ColumnType& type, int32 typmod) {
  Node* pending = as_pending(plain, type);
  if (typmod < 0) return pending;
  List* arguments = list_make3(pending, typmod_constant(typmod), makeBoolConst(false, false));
  FuncExpr* call = call_of(type.encrypt, type.type, arguments);
  call->funcformat = COERCE_IMPLICIT_CAST;  // a length coercion, which has the typmod
  return reinterpret_cast<Node*>(with_collation(call, plain));
}

bool is_decryption(const Node* node) {
  const FuncExpr* call = as_call(node);
  if (call == nullptr || call->args == NIL) return false;
  const ColumnType* type = type_of(static_cast<Node*>(linitial(call->args)));
  return type != nullptr && (call->funcid == type->decrypt || call->funcid == type->decrypt_of ||
                             call->funcid == type->decrypt_whole);
}

bool is_encryption(const Node* node) {
  const FuncExpr* call = as_call(node);
  const ColumnType* type = call == nullptr ? nullptr : find_column_type(call->funcresulttype);
  return type != nullptr && call->funcid == type->encrypt;
}

bool is_same_for_all_rows(Node* operand) {
  Index depth = 0;
  return !outside_walker(operand, &depth) && !contain_volatile_functions(operand);
}

namespace {

// Aggregates whose result does not depend on the order of rows.
bool is_order_free(const Aggref* aggregate) {
  if (aggregate->aggfnoid >= FirstNormalObjectId) return false;
  const char* name = get_func_name(aggregate->aggfnoid);
  return name != nullptr && (std::strcmp(name, "min") == 0 || std::strcmp(name, "max") == 0 ||
                             std::strcmp(name, "count") == 0);
}

// Whether a sub-select below may find other rows, or another sum of them, when it is run again.
bool differs_walker(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Aggref) && !is_order_free(reinterpret_cast<Aggref*>(node))) return true;
  if (IsA(node, WindowFunc) || IsA(node, TableSampleClause)) return true;
  if (!IsA(node, Query)) return pg::walk_children(node, differs_walker, context);
  auto* query = reinterpret_cast<Query*>(node);
  return query->limitCount != nullptr || query->limitOffset != nullptr || query->hasDistinctOn ||
         pg::walk_query(query, differs_walker, context, 0);
}

}  // namespace

bool is_same_each_time(Node* operand) {
  return is_same_for_all_rows(operand) && !differs_walker(operand, nullptr);
}

Node* once_a_statement(Node* expression) {
  Query* query = makeNode(Query);
  query->commandType = CMD_SELECT;
  query->canSetTag = true;
  query->targetList =
      list_make1(makeTargetEntry(reinterpret_cast<Expr*>(expression), 1, pstrdup("token"), false));
  query->jointree = makeFromExpr(NIL, nullptr);
  query->hasSubLinks = checkExprHasSubLink(expression);
  SubLink* sublink = makeNode(SubLink);
  sublink->subLinkType = EXPR_SUBLINK;
  sublink->subselect = reinterpret_cast<Node*>(query);
  sublink->location = -1;
  return reinterpret_cast<Node*>(sublink);
}

Node* search_token(Node* operand, int32 typmod, bool may_sublink, bool& honce_a_statement) {
  const ColumnType* array = find_column_type_of_array(exprType(operand));
  const ColumnType& type = array != nullptr ? *array : *type_of(operand);
  FuncExpr* call = call_of(array != nullptr ? type.search_token_array : type.search_token,
                           array != nullptr ? type.array_type : type.type,
                           list_make2(below_domain(operand, type), typmod_constant(typmod)));
  auto* token = reinterpret_cast<Node*>(with_collation(call, operand));
  if (!may_sublink || !is_same_for_all_rows(operand)) return token;
  honce_a_statement = true;
  return once_a_statement(token);
}

}  // namespace nae::columns
