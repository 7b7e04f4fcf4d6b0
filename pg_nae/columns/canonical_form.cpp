#include "pg_nae/columns/canonical_form.hpp"

#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

[[noreturn]] void raise_malformed(PlainType type) {
  pg::raise(Code::envelope_malformed,
            psprintf("the decrypted value is no canonical form of type %s", plain_name(type)));
}

template <std::unsigned_integral T>
ByteView big_endian(T value) {
  auto* bytes = static_cast<Byte*>(palloc(sizeof(T)));
  store_big_endian(bytes, value);
  return {bytes, sizeof(T)};
}

// What PostgreSQL's own receive function makes of the bytes. It refuses what is out of the type's
// range, and its errors quote no value.
template <PGFunction receive, std::size_t exact_bytes = 0>
Datum received(PlainType type, ByteView canonical) {
  if (exact_bytes != 0 && canonical.size() != exact_bytes) raise_malformed(type);
  StringInfoData message;
  message.data = reinterpret_cast<char*>(const_cast<Byte*>(canonical.data()));
  message.len = message.maxlen = static_cast<int>(canonical.size());
  message.cursor = 0;
  Datum value = DirectFunctionCall3(receive, PointerGetDatum(&message),
                                    ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
  if (message.cursor != message.len) raise_malformed(type);
  return value;
}

ByteView text_form(Datum value, bool) {
  return pg::to_utf8(pg::local_view(value));
}
Datum text_value(PlainType, ByteView canonical) {
  return pg::make_text(pg::from_utf8(canonical));
}

ByteView bytea_form(Datum value, bool) {
  return pg::local_view(value);
}
Datum bytea_value(PlainType, ByteView canonical) {
  return pg::make_bytea(canonical);
}

ByteView int4_form(Datum value, bool) {
  return big_endian(static_cast<std::uint32_t>(DatumGetInt32(value)));
}
ByteView int8_form(Datum value, bool) {
  return big_endian(static_cast<std::uint64_t>(DatumGetInt64(value)));
}

// 1.50 and 1.5 are equal and must be found by each other: the fraction loses its trailing zeros.
ByteView numeric_form(Datum value, bool deterministic) {
  if (deterministic) value = DirectFunctionCall1(numeric_trim_scale, value);
  return pg::local_view(DirectFunctionCall1(numeric_send, value));
}

ByteView bool_form(Datum value, bool) {
  return big_endian(static_cast<std::uint8_t>(DatumGetBool(value)));
}
Datum bool_value(PlainType type, ByteView canonical) {
  if (canonical.size() != 1 || canonical[0] > 1) raise_malformed(type);
  return BoolGetDatum(canonical[0] == 1);
}

ByteView uuid_form(Datum value, bool) {
  return {reinterpret_cast<const Byte*>(DatumGetPointer(value)), UUID_LEN};
}

ByteView jsonb_form(Datum value, bool) {
  char* json = DatumGetCString(DirectFunctionCall1(jsonb_out, value));
  return pg::to_utf8(as_bytes(json));
}
Datum jsonb_value(PlainType, ByteView canonical) {
  std::string_view json = as_text(pg::from_utf8(canonical));
  return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(json.data(), json.size())));
}

// In the order of their numbers.
constexpr CanonicalForm kForms[] = {
    {PlainType::text, TEXTOID, text_form, text_value},
    {PlainType::bytea, BYTEAOID, bytea_form, bytea_value},
    {PlainType::int4, INT4OID, int4_form, received<int4recv, 4>},
    {PlainType::int8, INT8OID, int8_form, received<int8recv, 8>},
    {PlainType::numeric, NUMERICOID, numeric_form, received<numeric_recv>},
    {PlainType::boolean, BOOLOID, bool_form, bool_value},
    {PlainType::date, DATEOID, int4_form, received<date_recv, 4>},
    {PlainType::timestamptz, TIMESTAMPTZOID, int8_form, received<timestamptz_recv, 8>},
    {PlainType::uuid, UUIDOID, uuid_form, received<uuid_recv, UUID_LEN>},
    {PlainType::jsonb, JSONBOID, jsonb_form, jsonb_value},
};

constexpr bool has_a_form_for_each_type() {
  if (std::size(kForms) != std::size(kPlainTypes)) return false;
  for (std::size_t i = 0; i < std::size(kForms); ++i)
    if (kForms[i].type != kPlainTypes[i].type || static_cast<std::size_t>(kForms[i].type) != i + 1)
      return false;
  return true;
}
static_assert(has_a_form_for_each_type());

}  // namespace

const CanonicalForm& canonical_form_of(PlainType type) {
  return kForms[static_cast<std::size_t>(type) - 1];
}

}  // namespace nae::columns
