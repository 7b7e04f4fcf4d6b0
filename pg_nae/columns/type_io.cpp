// Input, output and modifiers of the encrypted types. Output speaks ciphertext alone: dumps,
// logical replication, statistics and error messages never decrypt. Input takes both: a ciphertext
// as it was dumped, and a plaintext, which stays pending until a column's key is known.
#include "pg_nae/columns/casts.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/columns/key_ids.hpp"
#include "pg_nae/pg/error_scope.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

// A literal has no typmod yet; COPY and replication have the column's.
Datum for_column(const ColumnType& type, Datum datum, int32 typmod) {
  Value value = read_value(datum);
  if (!value.pending && value.type != type.plain)
    pg::raise(Code::envelope_malformed,
              psprintf("a ciphertext of type %s is not taken for one of type %s",
                       plain_name(value.type), plain_name(type.plain)));
  if (typmod < 0) return datum;
  const ColumnKey& key = column_key(typmod);
  if (value.pending || !pg::uses_foreign_table()) return stored_form(key, value, datum);
  // Read, and not given by the role: who may only decrypt reads foreign tables, too.
  expect_to_belong(value, key);
  if (is_of(key, value) == OfKey::no) raise_foreign(key);
  return datum;
}

Datum read_message(const ColumnType& type, StringInfo message) {
  int size = message->len - message->cursor;
  ByteView bytes{reinterpret_cast<const Byte*>(message->data) + message->cursor,
                 static_cast<std::size_t>(size)};
  if (!is_ciphertext(bytes))
    return make_pending(type.plain, canonical_from_binary(type.plain, message, type.deterministic));
  pq_getmsgbytes(message, size);  // read to its end, as receive functions must
  return pg::make_bytea(bytes);
}

// COPY quotes the field that it reads in whatever is raised meanwhile, and the field is a value
// that was to be encrypted: this says the place alone.
void say_place_in_copy(void* state) {
  const auto* copy = static_cast<const CopyFromStateData*>(state);
  errcontext("COPY %s, line %llu, column %s", copy->cur_relname,
             static_cast<unsigned long long>(copy->cur_lineno),
             copy->cur_attname == nullptr ? "unknown" : copy->cur_attname);
}

bool is_quoted_by_copy() {
  return error_context_stack != nullptr && error_context_stack->callback == CopyFromErrorCallback;
}

Datum read_text(FunctionCallInfo fcinfo) {
  char* input = PG_GETARG_CSTRING(0);
  const ColumnType& type = column_type(result_type(fcinfo));
  Datum datum =
      has_ciphertext_prefix(input)
          ? ciphertext_from_words(input)
          : make_pending(type.plain, canonical_from_text(type.plain, input, type.deterministic));
  return for_column(type, datum, PG_GETARG_INT32(2));
}

}  // namespace
}  // namespace nae::columns

using namespace nae;
using namespace nae::columns;

NAE_FUNCTION(nae_column_in) {
  ErrorContextCallback* contexts = error_context_stack;
  ErrorContextCallback unquoted{};
  if (is_quoted_by_copy()) {
    unquoted = {contexts->previous, say_place_in_copy, contexts->arg};
    error_context_stack = &unquoted;
  }
  Datum datum = read_text(fcinfo);
  error_context_stack = contexts;
  return datum;
}

NAE_FUNCTION(nae_column_out) {
  Value value = read_value(PG_GETARG_DATUM(0));
  // Pending: a literal in the text of a view or default, which must be read again as it was
  // written.
  PG_RETURN_CSTRING(value.pending ? text_of(value.type, value.plaintext)
                                  : ciphertext_in_words(value.stored));
}

NAE_FUNCTION(nae_column_recv) {
  const ColumnType& type = column_type(result_type(fcinfo));
  Datum datum = read_message(type, reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0)));
  return for_column(type, datum, PG_GETARG_INT32(2));
}

NAE_FUNCTION(nae_column_send) {
  Value value = read_value(PG_GETARG_DATUM(0));
  if (!value.pending) return pg::make_bytea(value.stored);
  Oid function;
  bool is_varlena;
  getTypeBinaryOutputInfo(plain_oid(value.type), &function, &is_varlena);
  return PointerGetDatum(OidSendFunctionCall(function, plain_value(value.type, value.plaintext)));
}

NAE_FUNCTION(nae_randomized_typmod_in) {
  PG_RETURN_INT32(register_column_key(PG_GETARG_ARRAYTYPE_P(0), false));
}

NAE_FUNCTION(nae_deterministic_typmod_in) {
  PG_RETURN_INT32(register_column_key(PG_GETARG_ARRAYTYPE_P(0), true));
}

NAE_FUNCTION(nae_typmod_out) {
  PG_RETURN_CSTRING(modifiers_in_words(PG_GETARG_INT32(0)));
}

NAE_FUNCTION(nae_keep_column_key) {
  keep_column_key(PG_GETARG_INT32(0));
  PG_RETURN_VOID();
}
