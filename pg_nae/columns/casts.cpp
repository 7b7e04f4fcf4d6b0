// Between plaintexts and encrypted types. The length coercion encrypts, nae.plain() decrypts, and
// nae.search_token() makes what a deterministic column is searched for. array_casts.cpp has the
// same for arrays; the batch node makes the calls of many rows at once.
#include "pg_nae/columns/casts.hpp"

#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// Raises when the value was encrypted as another type.
void expect_type(const Value& value, PlainType type) {
  if (value.type == type) return;
  pg::raise(Code::envelope_malformed, psprintf("a value of type %s is not taken for one of type %s",
                                               plain_name(value.type), plain_name(type)));
}

// A value by PostgreSQL's own cast, which fn_extra keeps for the calls to come.
Datum cast_value(FunctionCallInfo fcinfo, Datum value, Oid source, Oid target) {
  if (source == target) return value;
  auto*& cast = reinterpret_cast<FmgrInfo*&>(fcinfo->flinfo->fn_extra);
  if (cast == nullptr) {
    Oid function;
    if (find_coercion_pathway(target, source, COERCION_EXPLICIT, &function) != COERCION_PATH_FUNC)
      elog(ERROR, "no cast from type %u to %u", source, target);
    auto* found =
        static_cast<FmgrInfo*>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(FmgrInfo)));
    fmgr_info_cxt(function, found, fcinfo->flinfo->fn_mcxt);
    cast = found;
  }
  return FunctionCall1(cast, value);
}

Datum decrypt(FunctionCallInfo fcinfo, PlainType type) {
  Value value = read_value(PG_GETARG_DATUM(0));
  expect_type(value, type);
  if (value.pending) return plain_value(type, value.plaintext);
  if (PG_NARGS() > 1) expect_to_belong(value, column_key(PG_GETARG_INT32(1)));
  Datum result;
  const bool whole = PG_NARGS() > 2 && PG_GETARG_BOOL(2);
  decrypt_values(type, {&value, 1}, whole, &result, &fcinfo->isnull);
  return result;
}

}  // namespace

Oid result_type(FunctionCallInfo fcinfo) {
  return get_func_rettype(fcinfo->flinfo->fn_oid);
}

Datum pend(const ColumnType& type, Datum plain) {
  ByteView canonical = canonical_form(type.plain, plain, type.deterministic);
  if (type.plain == PlainType::text && has_ciphertext_prefix(as_text(canonical)))
    return ciphertext_from_words(as_text(canonical));
  if (type.plain == PlainType::bytea && is_ciphertext(canonical)) return plain;
  return make_pending(type.plain, canonical);
}

}  // namespace nae::columns

using namespace nae;
using namespace nae::columns;

// nae.enc_T(enc, typmod, explicit)
NAE_FUNCTION(nae_column_encrypt) {
  Value value = read_value(PG_GETARG_DATUM(0));
  int32 typmod = PG_GETARG_INT32(1);
  if (typmod < 0) return PG_GETARG_DATUM(0);
  return stored_form(column_key(typmod), value, PG_GETARG_DATUM(0));
}

// nae.enc_T(plain)
NAE_FUNCTION(nae_column_pend) {
  return pend(column_type(result_type(fcinfo)), PG_GETARG_DATUM(0));
}

// nae.enc_T(another type that can be assigned to the plaintext type)
NAE_FUNCTION(nae_column_pend_other) {
  const ColumnType& type = column_type(result_type(fcinfo));
  Oid source = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 0));
  return pend(type, cast_value(fcinfo, PG_GETARG_DATUM(0), source, plain_oid(type.plain)));
}

// nae.enc_T(enc of the other kind), and nae.plain_as_T(enc): the planner hook writes both as casts
// of nae.plain(), which many rows share.
NAE_FUNCTION(nae_column_convert) {
  Value value = read_value(PG_GETARG_DATUM(0));
  Datum plain = plaintext_of(value, fcinfo->isnull);
  return fcinfo->isnull ? Datum{0} : pend(column_type(result_type(fcinfo)), plain);
}
NAE_FUNCTION(nae_column_decrypt_as) {
  Value value = read_value(PG_GETARG_DATUM(0));
  Datum plain = plaintext_of(value, fcinfo->isnull);
  if (fcinfo->isnull) return Datum{0};
  return cast_value(fcinfo, plain, plain_oid(value.type), result_type(fcinfo));
}

// nae.search_token(enc, typmod)
NAE_FUNCTION(nae_column_search_token) {
  Value value = read_value(PG_GETARG_DATUM(0));
  if (!value.pending) return PG_GETARG_DATUM(0);
  Datum result;
  search_tokens(column_key(PG_GETARG_INT32(1)), value.type, {&value.plaintext, 1}, &result);
  return result;
}

// nae.rewrap(enc)
NAE_FUNCTION(nae_column_rewrap) {
  Value value = read_value(PG_GETARG_DATUM(0));
  if (value.pending) pg::raise(Code::envelope_malformed, "the value is not encrypted yet");
  if (value.ciphertext.deterministic())
    pg::raise(Code::unsupported, "a deterministic value is not encrypted anew where it stands",
              "CALL nae.rotate_column moves the whole column to another key version.");
  return rewrap_value(value);
}

// nae.plain(enc [, typmod [, whole]]): one for each plaintext type, which the batch node reads off
// the name.
NAE_FUNCTION(nae_column_decrypt_text) {
  return decrypt(fcinfo, PlainType::text);
}
NAE_FUNCTION(nae_column_decrypt_bytea) {
  return decrypt(fcinfo, PlainType::bytea);
}
NAE_FUNCTION(nae_column_decrypt_int4) {
  return decrypt(fcinfo, PlainType::int4);
}
NAE_FUNCTION(nae_column_decrypt_int8) {
  return decrypt(fcinfo, PlainType::int8);
}
NAE_FUNCTION(nae_column_decrypt_numeric) {
  return decrypt(fcinfo, PlainType::numeric);
}
NAE_FUNCTION(nae_column_decrypt_bool) {
  return decrypt(fcinfo, PlainType::boolean);
}
NAE_FUNCTION(nae_column_decrypt_date) {
  return decrypt(fcinfo, PlainType::date);
}
NAE_FUNCTION(nae_column_decrypt_timestamptz) {
  return decrypt(fcinfo, PlainType::timestamptz);
}
NAE_FUNCTION(nae_column_decrypt_uuid) {
  return decrypt(fcinfo, PlainType::uuid);
}
NAE_FUNCTION(nae_column_decrypt_jsonb) {
  return decrypt(fcinfo, PlainType::jsonb);
}
