#include "pg_nae/columns/coding_function.hpp"

extern "C" {
#include "commands/proclang.h"
}

namespace nae::columns {
namespace {

// As nae_internal.normalized() and nae_internal.plain_expression() have it.
const char* coded_expression(const Coding& coding) {
  char* plain = psprintf("nae_internal.plain(NEW.%s, %d, true)",
                         quote_identifier(coding.column_name), coding.of->typmod);
  return coding.normalization == "lower"
             ? psprintf("lower((%s)::text COLLATE pg_catalog.\"default\")", plain)
             : plain;
}

// As nae_internal.blind_index_expression() has it.
std::string_view code_expression(const Coding& coding, const char* key) {
  const char* purpose = quote_literal_cstr(coding.purpose.data());
  const char* context = quote_literal_cstr(coding.context.data());
  if (!coding.is_search)
    return psprintf("nae_internal.blind_index_code(%s, nae_internal.blind_index_input(%s, %s, %s))",
                    key, purpose, context, coded_expression(coding));
  return psprintf("nae_internal.search_codes(%s, nae_internal.search_input(%s, %s, %s, %s))", key,
                  purpose, context, quote_literal_cstr(coding.normalization.data()),
                  coded_expression(coding));
}

// As nae_internal.blind_index_body() has it.
std::string_view body_of(const Coding& coding) {
  char* key = psprintf("%s:%s", coding.key.data(), coding.version.data());
  const char* column = quote_identifier(coding.column_name);
  const char* unless_changing =
      coding.is_search
          ? psprintf(
                "(NOT nae_internal.is_changing() OR nae_internal.rows_differ(ROW(NEW.%s),"
                " ROW(OLD.%s)) AND nae_internal.has_assigning_triggers(TG_RELID))",
                column, column)
          : "NOT nae_internal.is_changing()";
  return psprintf(
      "BEGIN IF (TG_OP = 'INSERT' OR TG_NARGS = 0) AND %s THEN NEW.%s := %s;"
      " END IF; RETURN NEW; END",
      unless_changing, quote_identifier(coding.code_column_name),
      code_expression(coding, quote_literal_cstr(key)).data());
}

}  // namespace

Oid coder_of(const Coding& coding) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(coding.function));
  if (!HeapTupleIsValid(tuple)) return InvalidOid;
  const auto* row = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
  bool is_null = true;
  const Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);
  const bool is_ours = row->prosecdef && row->prolang == get_language_oid("plpgsql", true) &&
                       !is_null && TextDatumGetCString(source) == body_of(coding);
  const Oid owner = is_ours ? row->proowner : InvalidOid;
  ReleaseSysCache(tuple);
  return owner;
}

}  // namespace nae::columns
