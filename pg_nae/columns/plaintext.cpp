#include "pg_nae/columns/plaintext.hpp"

#include "pg_nae/columns/canonical_form.hpp"
#include "pg_nae/pg/encoding.hpp"

namespace nae::columns {
namespace {

// Runs one of PostgreSQL's own conversions. It quotes what it cannot read, and that may be a value
// that was to be encrypted: the error is replaced by one that does not.
template <class Conversion>
Datum without_quoting(PlainType type, Conversion conversion) {
  MemoryContext context = CurrentMemoryContext;
  volatile Datum result = 0;
  volatile int sqlstate = 0;
  PG_TRY();
  { result = conversion(); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    sqlstate = error->sqlerrcode;
    FlushErrorState();
  }
  PG_END_TRY();
  // Raised here, not swallowed: the conversion may have left anything behind.
  if (sqlstate != 0)
    ereport(ERROR,
            (errcode(sqlstate),
             errmsg("invalid input for a value of type %s to be encrypted", plain_name(type)),
             errhint("The value itself is not shown.")));
  return result;
}

}  // namespace

Oid plain_oid(PlainType type) {
  return canonical_form_of(type).oid;
}

ByteView canonical_form(PlainType type, Datum value, bool deterministic) {
  return canonical_form_of(type).write(value, deterministic);
}

Datum plain_value(PlainType type, ByteView canonical) {
  return canonical_form_of(type).read(type, canonical);
}

ByteView canonical_from_text(PlainType type, char* text, bool deterministic) {
  if (type == PlainType::text) return pg::to_utf8(as_bytes(text));
  Oid function, parameter;
  getTypeInputInfo(plain_oid(type), &function, &parameter);
  Datum value =
      without_quoting(type, [=] { return OidInputFunctionCall(function, text, parameter, -1); });
  return canonical_form(type, value, deterministic);
}

ByteView canonical_from_binary(PlainType type, StringInfo message, bool deterministic) {
  Oid function, parameter;
  getTypeBinaryInputInfo(plain_oid(type), &function, &parameter);
  Datum value = without_quoting(
      type, [=] { return OidReceiveFunctionCall(function, message, parameter, -1); });
  return canonical_form(type, value, deterministic);
}

char* text_of(PlainType type, ByteView canonical) {
  Oid function;
  bool is_varlena;
  getTypeOutputInfo(plain_oid(type), &function, &is_varlena);
  return OidOutputFunctionCall(function, plain_value(type, canonical));
}

}  // namespace nae::columns
