#include "pg_nae/columns/canonical_form.hpp"

#include <bit>
#include <limits>

#include "pg_nae/columns/without_quoting.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {

void raise_malformed(PlainType type) {
  pg::raise(Code::envelope_malformed,
            psprintf("the decrypted value is no canonical form of type %s", plain_name(type)));
}

namespace {

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

// Blanks at its end are no part of a char(n): 'a' and 'a ' are equal and must be found by each
// other.
ByteView bpchar_form(Datum value, bool deterministic) {
  ByteView text = pg::local_view(value);
  while (deterministic && !text.empty() && text.back() == ' ') text = text.first(text.size() - 1);
  return pg::to_utf8(text);
}

ByteView bytea_form(Datum value, bool) {
  return pg::local_view(value);
}
Datum bytea_value(PlainType, ByteView canonical) {
  return pg::make_bytea(canonical);
}

ByteView int2_form(Datum value, bool) {
  return big_endian(static_cast<std::uint16_t>(DatumGetInt16(value)));
}
ByteView int4_form(Datum value, bool) {
  return big_endian(static_cast<std::uint32_t>(DatumGetInt32(value)));
}
ByteView int8_form(Datum value, bool) {
  return big_endian(static_cast<std::uint64_t>(DatumGetInt64(value)));
}

// There are many NaNs, and one is enough.
template <std::floating_point T, std::unsigned_integral Bits>
ByteView float_form(T value) {
  static_assert(sizeof(T) == sizeof(Bits));
  if (value != value) value = std::numeric_limits<T>::quiet_NaN();
  return big_endian(std::bit_cast<Bits>(value));
}
ByteView float4_form(Datum value, bool) {
  return float_form<float, std::uint32_t>(DatumGetFloat4(value));
}
ByteView float8_form(Datum value, bool) {
  return float_form<double, std::uint64_t>(DatumGetFloat8(value));
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

// The type's input function reads it, so that what is no JSON is refused. Its error would quote it.
template <PGFunction input>
Datum json_value(PlainType type, ByteView canonical) {
  std::string_view json = as_text(pg::from_utf8(canonical));
  char* text = pnstrdup(json.data(), json.size());
  return without_quoting(
      [text] { return DirectFunctionCall1(input, CStringGetDatum(text)); },
      [type](int sqlstate) {
        if (ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_DATA_EXCEPTION) raise_malformed(type);
        ereport(ERROR, (errcode(sqlstate),
                        errmsg("cannot read a decrypted value of type %s", plain_name(type))));
      });
}
ByteView jsonb_form(Datum value, bool) {
  char* json = DatumGetCString(DirectFunctionCall1(jsonb_out, value));
  return pg::to_utf8(as_bytes(json));
}

// Before 17 an interval has no infinity, and the numbers that stand for it since would be read as
// some 300,000 years: refused both ways.
void expect_finite([[maybe_unused]] const Interval& interval) {
#if PG_VERSION_NUM < 170000
  auto has_all = [&interval](std::int64_t time, std::int32_t rest) {
    return interval.time == time && interval.day == rest && interval.month == rest;
  };
  if (has_all(PG_INT64_MAX, PG_INT32_MAX) || has_all(PG_INT64_MIN, PG_INT32_MIN))
    pg::raise(Code::unsupported, "infinite intervals are of PostgreSQL 17 and later");
#endif
}
ByteView interval_form(Datum value, bool) {
  expect_finite(*DatumGetIntervalP(value));
  return pg::local_view(DirectFunctionCall1(interval_send, value));
}
Datum interval_value(PlainType type, ByteView canonical) {
  Datum value = received<interval_recv, 16>(type, canonical);
  expect_finite(*DatumGetIntervalP(value));
  return value;
}

// PostgreSQL sends family, bits, whether it is a cidr, and the number of bytes of the address.
constexpr std::size_t kSentInetBytes = 4;
constexpr std::size_t kInetBytes = 2;
constexpr std::size_t kIpv4Bytes = 4;
constexpr std::size_t kIpv6Bytes = 16;

ByteView inet_form(Datum value, bool) {
  ByteView sent = pg::local_view(DirectFunctionCall1(inet_send, value));
  ByteView address = sent.subspan(kSentInetBytes);
  auto* form = static_cast<Byte*>(palloc(kInetBytes + address.size()));
  form[0] = address.size() == kIpv4Bytes ? 4 : 6;
  form[1] = sent[1];
  std::memcpy(form + kInetBytes, address.data(), address.size());
  return {form, kInetBytes + address.size()};
}
Datum inet_value(PlainType type, ByteView canonical) {
  const bool is_ipv4 = canonical.size() == kInetBytes + kIpv4Bytes && canonical[0] == 4;
  const bool is_ipv6 = canonical.size() == kInetBytes + kIpv6Bytes && canonical[0] == 6;
  if (!is_ipv4 && !is_ipv6) raise_malformed(type);
  ByteView address = canonical.subspan(kInetBytes);
  Byte sent[kSentInetBytes + kIpv6Bytes] = {
      static_cast<Byte>(is_ipv4 ? PGSQL_AF_INET : PGSQL_AF_INET6), canonical[1], 0,
      static_cast<Byte>(address.size())};
  std::memcpy(sent + kSentInetBytes, address.data(), address.size());
  return received<inet_recv>(type, {sent, kSentInetBytes + address.size()});
}

// In the order of their numbers.
constexpr CanonicalForm kForms[] = {
    {PlainType::text, TEXTOID, TEXTARRAYOID, text_form, text_value},
    {PlainType::bytea, BYTEAOID, BYTEAARRAYOID, bytea_form, bytea_value},
    {PlainType::int4, INT4OID, INT4ARRAYOID, int4_form, received<int4recv, 4>},
    {PlainType::int8, INT8OID, INT8ARRAYOID, int8_form, received<int8recv, 8>},
    {PlainType::numeric, NUMERICOID, NUMERICARRAYOID, numeric_form, received<numeric_recv>},
    {PlainType::boolean, BOOLOID, BOOLARRAYOID, bool_form, bool_value},
    {PlainType::date, DATEOID, DATEARRAYOID, int4_form, received<date_recv, 4>},
    {PlainType::timestamptz, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID, int8_form,
     received<timestamptz_recv, 8>},
    {PlainType::uuid, UUIDOID, UUIDARRAYOID, uuid_form, received<uuid_recv, UUID_LEN>},
    {PlainType::jsonb, JSONBOID, JSONBARRAYOID, jsonb_form, json_value<jsonb_in>},
    {PlainType::timestamp, TIMESTAMPOID, TIMESTAMPARRAYOID, int8_form, received<timestamp_recv, 8>},
    {PlainType::time, TIMEOID, TIMEARRAYOID, int8_form, received<time_recv, 8>},
    {PlainType::interval, INTERVALOID, INTERVALARRAYOID, interval_form, interval_value},
    {PlainType::float4, FLOAT4OID, FLOAT4ARRAYOID, float4_form, received<float4recv, 4>},
    {PlainType::float8, FLOAT8OID, FLOAT8ARRAYOID, float8_form, received<float8recv, 8>},
    {PlainType::json, JSONOID, JSONARRAYOID, text_form, json_value<json_in>},
    {PlainType::inet, INETOID, INETARRAYOID, inet_form, inet_value},
    {PlainType::bpchar, BPCHAROID, BPCHARARRAYOID, bpchar_form, text_value},
    {PlainType::int2, INT2OID, INT2ARRAYOID, int2_form, received<int2recv, 2>},
};

constexpr bool has_a_form_for_each_type() {
  std::size_t number = 0;
  for (const PlainTypeRow& row : kPlainTypes) {
    if (is_array(row.type)) continue;
    if (number == std::size(kForms) || kForms[number].type != row.type) return false;
    if (static_cast<std::size_t>(row.type) != ++number) return false;
  }
  return number == std::size(kForms);
}
static_assert(has_a_form_for_each_type());

}  // namespace

const CanonicalForm& canonical_form_of(PlainType type) {
  return kForms[static_cast<std::size_t>(element_of(type)) - 1];
}

}  // namespace nae::columns
