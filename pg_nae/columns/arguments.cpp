#include "pg_nae/columns/arguments.hpp"

#include <algorithm>

#include "pg_nae/columns/whole_row.hpp"
#include "pg_nae/pg/plant.hpp"

namespace nae::columns {
namespace {

bool takes_any_type(Oid parameter) {
  return parameter == ANYOID || parameter == RECORDOID || IsPolymorphicType(parameter);
}

struct Signature {
  int count;
  Oid parameters[FUNC_MAX_ARGS];
  bool result_follows;  // its type follows from an argument's: it hands values on
};

Signature signature_of(Oid function) {
  Signature signature{};
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return signature;
  auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  signature.count = row->pronargs;
  for (int i = 0; i < row->pronargs; ++i) signature.parameters[i] = row->proargtypes.values[i];
  signature.result_follows = IsPolymorphicType(row->prorettype);
  ReleaseSysCache(tuple);
  return signature;
}

// Behind the last parameter come more of it: VARIADIC.
bool takes_any_type(const Signature& signature, int position) {
  return signature.count > 0 &&
         takes_any_type(signature.parameters[std::min(position, signature.count - 1)]);
}

}  // namespace

bool looks_at_storage(Oid function) {
  constexpr Oid kFunctions[] = {
      F_RECORD_IMAGE_EQ, F_RECORD_IMAGE_NE,       F_RECORD_IMAGE_LT, F_RECORD_IMAGE_GT,
      F_RECORD_IMAGE_LE, F_RECORD_IMAGE_GE,       F_COUNT_ANY,       F_PG_TYPEOF,
      F_PG_COLUMN_SIZE,  F_PG_COLUMN_COMPRESSION, F_NUM_NULLS,       F_NUM_NONNULLS};
  for (Oid known : kFunctions)
    if (function == known) return true;
  return false;
}

bool has_readable(List* arguments, const QueryLevel& level) {
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    if (IsA(argument, TargetEntry))
      argument = reinterpret_cast<Node*>(reinterpret_cast<TargetEntry*>(argument)->expr);
    if (is_readable(argument, level)) return true;
  }
  return false;
}

List* plain_arguments(Oid function, List* arguments, const QueryLevel& level) {
  if (!has_readable(arguments, level) || looks_at_storage(function)) return nullptr;
  if (pg::is_planted("stored arguments")) return nullptr;
  Signature signature = signature_of(function);
  if (signature.result_follows) return nullptr;
  List* result = NIL;
  bool changed = false;
  ListCell* cell;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    bool any = takes_any_type(signature, list_length(result));
    changed = changed || (any && is_readable(argument, level));
    result = lappend(result, any ? readable(argument, level) : argument);
  }
  return changed ? result : nullptr;
}

}  // namespace nae::columns
