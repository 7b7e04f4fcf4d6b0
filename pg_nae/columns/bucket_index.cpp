// The operator class by which codes of buckets are indexed (install/0.2.0/buckets.sql), a GIN of
// integers as that of all arrays. It differs in what it is asked: whether a row has one of many
// codes, where no code is all rows.
//
// Of the codes that are wanted the index is asked for one alone, the least, and compares what
// follows it: a search reads the list of codes once, which has as many as there are buckets, and
// pays nothing for each row and code. Codes that are wanted are in order, each once.
#include <algorithm>

#include "pg_nae/pg/postgres.hpp"

extern "C" {
#include "access/gin.h"
}

namespace nae::columns {
namespace {

struct WantedCodes {
  std::size_t count;
  const std::int32_t* codes;

  bool has(std::int32_t code) const { return std::binary_search(codes, codes + count, code); }
};

WantedCodes wanted_in(ArrayType* array) {
  if (ARR_HASNULL(array) || ARR_NDIM(array) != 1 || ARR_ELEMTYPE(array) != INT4OID)
    return {0, nullptr};
  return {static_cast<std::size_t>(ARR_DIMS(array)[0]),
          reinterpret_cast<const std::int32_t*>(ARR_DATA_PTR(array))};
}

bool has_any(ArrayType* codes, const WantedCodes& wanted) {
  const WantedCodes stored = wanted_in(codes);
  return wanted.count == 0 || std::any_of(stored.codes, stored.codes + stored.count,
                                          [&](std::int32_t code) { return wanted.has(code); });
}

}  // namespace
}  // namespace nae::columns

using namespace nae;

NAE_FUNCTION(nae_has_any_code) {
  ArrayType* wanted = PG_GETARG_ARRAYTYPE_P(1);
  PG_RETURN_BOOL(columns::has_any(PG_GETARG_ARRAYTYPE_P(0), columns::wanted_in(wanted)));
}

// extractQuery of GIN.
NAE_FUNCTION(nae_bucket_query) {
  auto* count = reinterpret_cast<std::int32_t*>(PG_GETARG_POINTER(1));
  auto** partial = reinterpret_cast<bool**>(PG_GETARG_POINTER(3));
  auto** extra = reinterpret_cast<Pointer**>(PG_GETARG_POINTER(4));
  auto* mode = reinterpret_cast<std::int32_t*>(PG_GETARG_POINTER(6));
  const columns::WantedCodes wanted = columns::wanted_in(PG_GETARG_ARRAYTYPE_P_COPY(0));
  *count = 0;
  if (wanted.count == 0) {
    *mode = GIN_SEARCH_MODE_ALL;
    PG_RETURN_POINTER(nullptr);
  }
  auto* kept = static_cast<columns::WantedCodes*>(palloc(sizeof(columns::WantedCodes)));
  *kept = wanted;
  auto* keys = static_cast<Datum*>(palloc(sizeof(Datum)));
  keys[0] = Int32GetDatum(wanted.codes[0]);
  *partial = static_cast<bool*>(palloc(sizeof(bool)));
  (*partial)[0] = true;
  *extra = static_cast<Pointer*>(palloc(sizeof(Pointer)));
  (*extra)[0] = reinterpret_cast<Pointer>(kept);
  *count = 1;
  PG_RETURN_POINTER(keys);
}

// comparePartial: 0 is a code that is wanted; from more than the last one on none is.
NAE_FUNCTION(nae_bucket_compare) {
  const std::int32_t code = PG_GETARG_INT32(1);
  const auto& wanted = *reinterpret_cast<columns::WantedCodes*>(PG_GETARG_POINTER(3));
  if (wanted.has(code)) PG_RETURN_INT32(0);
  PG_RETURN_INT32(code > wanted.codes[wanted.count - 1] ? 1 : -1);
}

// Where all rows are asked for those without codes come too, which the operator finds not.
NAE_FUNCTION(nae_bucket_consistent) {
  const auto* found = reinterpret_cast<bool*>(PG_GETARG_POINTER(0));
  const std::int32_t count = PG_GETARG_INT32(3);
  *reinterpret_cast<bool*>(PG_GETARG_POINTER(5)) = count == 0;
  PG_RETURN_BOOL(count == 0 || found[0]);
}
