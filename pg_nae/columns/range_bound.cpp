#include "pg_nae/columns/range_bound.hpp"

#include "pg_nae/columns/plaintext.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {

bool find_bound_type(Oid type, PlainType& plain) {
  for (const PlainType known :
       {PlainType::int2, PlainType::int4, PlainType::int8, PlainType::numeric, PlainType::float4,
        PlainType::float8, PlainType::date, PlainType::timestamp, PlainType::timestamptz}) {
    if (plain_oid(known) != type) continue;
    plain = known;
    return true;
  }
  return false;
}

RangeBound range_bound(Oid type, Datum value, bool is_null) {
  RangeBound bound{};
  if (is_null) return bound;
  if (!find_bound_type(type, bound.type))
    pg::raise(Code::invalid_argument,
              psprintf("values of type %s have no bucket", format_type_be(type)));
  bound.is_there = true;
  bound.canonical = canonical_form(bound.type, value, false);
  return bound;
}

}  // namespace nae::columns
