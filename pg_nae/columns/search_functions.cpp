#include "pg_nae/columns/search_functions.hpp"

#include "pg_nae/pg/extension.hpp"

extern "C" {
#include "catalog/pg_collation.h"
}

namespace nae::columns {
namespace {

Oid function_of(const char* schema, const char* name, std::initializer_list<Oid> types) {
  List* words = list_make2(makeString(pstrdup(schema)), makeString(pstrdup(name)));
  return LookupFuncName(words, static_cast<int>(types.size()), types.begin(), true);
}

Node* text_constant(const char* text) {
  return reinterpret_cast<Node*>(
      makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, CStringGetTextDatum(text), false, false));
}

Node* number_constant(search::Condition condition) {
  return reinterpret_cast<Node*>(makeConst(INT4OID, -1, InvalidOid, sizeof(std::int32_t),
                                           Int32GetDatum(static_cast<int>(condition)), false,
                                           true));
}

Oid search_for() {
  return function_of("nae_internal", "search_for",
                     {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID});
}

Oid search_range() {
  return function_of("nae_internal", "search_range",
                     {TEXTOID, TEXTOID, TEXTOID, TEXTOID, ANYOID, ANYOID});
}

}  // namespace

Oid words_condition() {
  return function_of("nae", "search", {TEXTOID, TEXTOID});
}

Oid codes_check() {
  return function_of("nae", "has_codes", {BOOLOID, INT4ARRAYOID, INT4OID});
}

Node* search_call(const SearchedColumn& searched, search::Condition condition, Node* text) {
  List* arguments = list_make5(text_constant(searched.key), text_constant(searched.purpose),
                               text_constant(searched.context), text_constant(searched.declaration),
                               number_constant(condition));
  arguments = lappend(arguments, text);
  return reinterpret_cast<Node*>(makeFuncExpr(search_for(), INT4ARRAYOID, arguments, InvalidOid,
                                              DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CALL));
}

Oid any_code_operator() {
  List* words = list_make2(makeString(pstrdup("nae_internal")), makeString(pstrdup("&&")));
  return OpernameGetOprid(words, INT4ARRAYOID, INT4ARRAYOID);
}

Node* range_call(const SearchedColumn& searched, Node* low, Node* high) {
  List* arguments =
      list_make4(text_constant(searched.key), text_constant(searched.purpose),
                 text_constant(searched.context), text_constant(searched.declaration));
  arguments = lappend(lappend(arguments, low), high);
  return reinterpret_cast<Node*>(makeFuncExpr(search_range(), INT4ARRAYOID, arguments, InvalidOid,
                                              DEFAULT_COLLATION_OID, COERCE_EXPLICIT_CALL));
}

bool is_search_call(const Node* node) {
  if (!IsA(node, FuncExpr)) return false;
  const Oid function = reinterpret_cast<const FuncExpr*>(node)->funcid;
  return function == search_for() || function == search_range();
}

}  // namespace nae::columns
