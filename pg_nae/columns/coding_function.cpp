#include "pg_nae/columns/coding_function.hpp"

extern "C" {
#include "commands/proclang.h"
}

namespace nae::columns {
namespace {

// As nae_internal.plain_expression() has it.
const char* plain_expression(const Coding& coding, const char* row) {
  return psprintf("nae_internal.plain(%s.%s, %d, true)", row, quote_identifier(coding.column_name),
                  coding.of->typmod);
}

// As nae_internal.normalized() has it.
const char* coded_expression(const Coding& coding) {
  const char* plain = plain_expression(coding, "NEW");
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
  const char* codes = quote_identifier(coding.code_column_name);
  return psprintf(
      "BEGIN IF (TG_OP = 'INSERT' OR TG_NARGS = 0) AND (TG_OP = 'INSERT' OR NOT"
      " nae_internal.keeps_codes(TG_RELID, %s, %s,"
      " nae_internal.rows_differ(ROW(NEW.%s), ROW(OLD.%s))) OR nae_internal.may_assign(TG_RELID) "
      "AND"
      " (%s)::text IS DISTINCT FROM (%s)::text) THEN NEW.%s := %s; END IF; RETURN NEW; END",
      quote_literal_cstr(coding.column_name), quote_literal_cstr(coding.code_column_name), codes,
      codes, plain_expression(coding, "NEW"), plain_expression(coding, "OLD"), codes,
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
