// What functions and columns are declared to be, as checkers ask of every call and reference of
// every statement: remembered in the backend until the catalogs change.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

struct DeclaredFunction {
  int count;
  Oid types[FUNC_MAX_ARGS];
  bool pseudo[FUNC_MAX_ARGS];  // whether it is any type, or any of a kind
  Oid schema;
  bool in_native_code;
  bool follows;  // its result is of its argument's type
};
// nullptr when there is no such function. Valid until the next call.
const DeclaredFunction* declared_function(Oid function);

struct DeclaredOperator {
  Oid left, right;
  Oid function;
  Oid schema;
};
// nullptr when there is no such operator. Valid until the next call.
const DeclaredOperator* declared_operator(Oid opno);

struct DeclaredColumn {
  Oid type;
  int32 typmod;
};
// Raises when there is no such column.
DeclaredColumn declared_column(Oid relation, AttrNumber column);

}  // namespace nae::columns
