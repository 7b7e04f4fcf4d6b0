// Between plaintexts and encrypted types. The length coercion encrypts, nae_internal.plain()
// decrypts, and nae_internal.search_token() makes what a deterministic column is searched for.
// array_casts.cpp has the same for arrays; the batch node makes the calls of many rows at once.
#include "pg_nae/columns/casts.hpp"

#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/columns/plain_cast.hpp"
#include "pg_nae/columns/utility.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// The expression of the call says what it passes. A number that an expression passes by mistake
// must not be followed as a pointer.
void expect_encrypted_argument(FunctionCallInfo fcinfo) {
  Oid passed = get_fn_expr_argtype(fcinfo->flinfo, 0);
  if (!OidIsValid(passed) || find_column_type(passed) != nullptr) return;
  pg::raise(Code::envelope_malformed, "a value that is not of an encrypted type is taken for one");
}

Datum decrypt(FunctionCallInfo fcinfo, PlainType type) {
  expect_encrypted_argument(fcinfo);
  Value value = read_value(PG_GETARG_DATUM(0));
  expect_type(value, type);
  if (value.pending) return plain_value(type, value.plaintext);
  if (PG_NARGS() > 1) expect_to_belong(value, column_key(PG_GETARG_INT32(1)));
  Datum result;
  // ALTER TABLE keeps what it reads.
  const bool whole = rewrites_table() || (PG_NARGS() > 2 && PG_GETARG_BOOL(2));
  decrypt_values(type, {&value, 1}, whole, &result, &fcinfo->isnull, values_of(fcinfo));
  return result;
}

// The first argument, which is of the type that the function is declared for.
Value argument_value(FunctionCallInfo fcinfo) {
  expect_encrypted_argument(fcinfo);
  Value value = read_value(PG_GETARG_DATUM(0));
  expect_type(value, column_type(argument_type(fcinfo)).plain);
  return value;
}

}  // namespace

void expect_type(const Value& value, PlainType type) {
  if (value.type == type) return;
  pg::raise(Code::envelope_malformed, psprintf("a value of type %s is not taken for one of type %s",
                                               plain_name(value.type), plain_name(type)));
}

DecryptedValues* values_of(FunctionCallInfo fcinfo) {
  return DecryptedValues::of(fcinfo->flinfo->fn_mcxt);
}

Oid argument_type(FunctionCallInfo fcinfo) {
  Oid* types;
  int count;
  get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
  return types[0];
}

Oid result_type(FunctionCallInfo fcinfo) {
  return get_func_rettype(fcinfo->flinfo->fn_oid);
}

Datum pend(const ColumnType& type, Datum plain) {
  ByteView canonical = canonical_form(type.plain, plain, type.deterministic);
  Datum ciphertext = plain;
  if (is_character(type.plain) && has_ciphertext_prefix(as_text(canonical)))
    ciphertext = ciphertext_from_words(as_text(canonical));
  else if (type.plain != PlainType::bytea || !is_ciphertext(canonical))
    return make_pending(type.plain, canonical);
  expect_type(read_value(ciphertext), type.plain);
  return ciphertext;
}

}  // namespace nae::columns

using namespace nae;
using namespace nae::columns;

// nae_internal.enc_T(enc, typmod, explicit)
NAE_FUNCTION(nae_column_encrypt) {
  Value value = argument_value(fcinfo);
  int32 typmod = PG_GETARG_INT32(1);
  if (typmod < 0) return PG_GETARG_DATUM(0);
  const ColumnKey& key = column_key(typmod);
  // ALTER TABLE takes a column to another key, by the plaintext.
  if (rewrites_table() && !value.pending && !belongs(value, key)) {
    Datum pending =
        pend(column_type(result_type(fcinfo)), plaintext_of(value, true, fcinfo->isnull));
    return stored_form(key, read_value(pending), pending);
  }
  return stored_form(key, value, PG_GETARG_DATUM(0));
}

// nae_internal.enc_T(plain)
NAE_FUNCTION(nae_column_pend) {
  return pend(column_type(result_type(fcinfo)), PG_GETARG_DATUM(0));
}

// nae_internal.enc_T(another type that can be assigned to the plaintext type)
NAE_FUNCTION(nae_column_pend_other) {
  const ColumnType& type = column_type(result_type(fcinfo));
  Oid source = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 0));
  return pend(type, cast_value(fcinfo, PG_GETARG_DATUM(0), source, plain_oid(type.plain)));
}

// nae_internal.enc_T(another encrypted type), and nae_internal.plain_as_T(enc): the planner hook
// writes both as casts of nae_internal.plain(), which many rows share.
NAE_FUNCTION(nae_column_convert) {
  Value value = argument_value(fcinfo);
  const ColumnType& type = column_type(result_type(fcinfo));
  Datum plain = plaintext_of(value, rewrites_table(), fcinfo->isnull, values_of(fcinfo));
  if (fcinfo->isnull) return Datum{0};
  return pend(type, cast_value(fcinfo, plain, plain_oid(value.type), plain_oid(type.plain)));
}
NAE_FUNCTION(nae_column_decrypt_as) {
  Value value = argument_value(fcinfo);
  Datum plain = plaintext_of(value, rewrites_table(), fcinfo->isnull, values_of(fcinfo));
  if (fcinfo->isnull) return Datum{0};
  return cast_value(fcinfo, plain, plain_oid(value.type), result_type(fcinfo));
}

// nae_internal.search_token(enc, typmod)
NAE_FUNCTION(nae_column_search_token) {
  Value value = argument_value(fcinfo);
  const ColumnKey& key = column_key(PG_GETARG_INT32(1));
  if (!value.pending) {
    // Of another key or version, equal values have other ciphertexts: it would never be found.
    expect_to_belong(value, key);
    return PG_GETARG_DATUM(0);
  }
  Datum result;
  search_tokens(key, value.type, {&value.plaintext, 1}, &result);
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

// nae_internal.plain(enc [, typmod [, whole]]): one for each plaintext type, which the batch node
// reads off the name.
#define NAE_DECRYPTION(number, member, name, deterministic) \
  NAE_FUNCTION(nae_column_decrypt_##name) {                 \
    return decrypt(fcinfo, PlainType::member);              \
  }
NAE_PLAIN_TYPES(NAE_DECRYPTION)
#undef NAE_DECRYPTION
