#include "pg_nae/columns/plaintext.hpp"

#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

struct Row {
  PlainType type;
  const char* name;
  Oid oid;
};
constexpr Row kRows[] = {
    {PlainType::text, "text", TEXTOID},
    {PlainType::bytea, "bytea", BYTEAOID},
    {PlainType::int4, "int4", INT4OID},
    {PlainType::int8, "int8", INT8OID},
    {PlainType::numeric, "numeric", NUMERICOID},
    {PlainType::boolean, "bool", BOOLOID},
    {PlainType::date, "date", DATEOID},
    {PlainType::timestamptz, "timestamptz", TIMESTAMPTZOID},
    {PlainType::uuid, "uuid", UUIDOID},
    {PlainType::jsonb, "jsonb", JSONBOID},
};

const Row& row_of(PlainType type) {
  return kRows[static_cast<std::size_t>(type) - 1];
}

template <std::unsigned_integral T>
ByteView big_endian(T value) {
  auto* bytes = static_cast<Byte*>(palloc(sizeof(T)));
  store_big_endian(bytes, value);
  return {bytes, sizeof(T)};
}

[[noreturn]] void raise_wrong_size(PlainType type) {
  pg::raise(Code::envelope_malformed,
            psprintf("the decrypted value is no canonical form of type %s", plain_name(type)));
}

template <std::unsigned_integral T>
T integer_of(PlainType type, ByteView canonical) {
  if (canonical.size() != sizeof(T)) raise_wrong_size(type);
  return load_big_endian<T>(canonical.data());
}

// 1.50 and 1.5 are equal and must be found by each other: the fraction loses its trailing zeros.
ByteView numeric_form(Datum value, bool deterministic) {
  if (deterministic) value = DirectFunctionCall1(numeric_trim_scale, value);
  return pg::local_view(DirectFunctionCall1(numeric_send, value));
}

Datum numeric_value(ByteView canonical) {
  StringInfoData message;
  message.data = reinterpret_cast<char*>(const_cast<Byte*>(canonical.data()));
  message.len = message.maxlen = static_cast<int>(canonical.size());
  message.cursor = 0;
  return DirectFunctionCall3(numeric_recv, PointerGetDatum(&message), ObjectIdGetDatum(InvalidOid),
                             Int32GetDatum(-1));
}

ByteView json_form(Datum value) {
  char* json = DatumGetCString(DirectFunctionCall1(jsonb_out, value));
  return pg::to_utf8(as_bytes(json));
}

Datum uuid_value(ByteView canonical) {
  if (canonical.size() != UUID_LEN) raise_wrong_size(PlainType::uuid);
  void* uuid = palloc(UUID_LEN);
  std::memcpy(uuid, canonical.data(), UUID_LEN);
  return PointerGetDatum(uuid);
}

char* terminated(ByteView text) {
  return pnstrdup(as_text(text).data(), text.size());
}

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

const char* plain_name(PlainType type) {
  return row_of(type).name;
}

Oid plain_oid(PlainType type) {
  return row_of(type).oid;
}

ByteView canonical_form(PlainType type, Datum value, bool deterministic) {
  switch (type) {
    case PlainType::text:
      return pg::to_utf8(pg::local_view(value));
    case PlainType::bytea:
      return pg::local_view(value);
    case PlainType::int4:
    case PlainType::date:
      return big_endian(static_cast<std::uint32_t>(DatumGetInt32(value)));
    case PlainType::int8:
    case PlainType::timestamptz:
      return big_endian(static_cast<std::uint64_t>(DatumGetInt64(value)));
    case PlainType::numeric:
      return numeric_form(value, deterministic);
    case PlainType::boolean:
      return big_endian(static_cast<std::uint8_t>(DatumGetBool(value)));
    case PlainType::uuid:
      return {reinterpret_cast<const Byte*>(DatumGetPointer(value)), UUID_LEN};
    case PlainType::jsonb:
      return json_form(value);
  }
  pg_unreachable();
}

Datum plain_value(PlainType type, ByteView canonical) {
  switch (type) {
    case PlainType::text:
      return pg::make_text(pg::from_utf8(canonical));
    case PlainType::bytea:
      return pg::make_bytea(canonical);
    case PlainType::int4:
    case PlainType::date:
      return Int32GetDatum(static_cast<std::int32_t>(integer_of<std::uint32_t>(type, canonical)));
    case PlainType::int8:
    case PlainType::timestamptz:
      return Int64GetDatum(static_cast<std::int64_t>(integer_of<std::uint64_t>(type, canonical)));
    case PlainType::numeric:
      return numeric_value(canonical);
    case PlainType::boolean:
      return BoolGetDatum(integer_of<std::uint8_t>(type, canonical) != 0);
    case PlainType::uuid:
      return uuid_value(canonical);
    case PlainType::jsonb:
      return DirectFunctionCall1(jsonb_in, CStringGetDatum(terminated(pg::from_utf8(canonical))));
  }
  pg_unreachable();
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
