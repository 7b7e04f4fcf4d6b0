// Functions of search indexes by buckets (install/0.2.0/buckets.sql):
//   nae_internal.search_input(purpose, context, declaration, value): what the code of a date or a
//     number is computed of
//   nae_internal.search_range(key, purpose, context, declaration, low, high): codes to look for
//   nae_internal.is_search_declaration(declaration)
#include "pg_nae/columns/asked_codes.hpp"
#include "pg_nae/columns/range_bound.hpp"
#include "pg_nae/functions/crypto_call.hpp"
#include "pg_nae/pg/encoding.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

std::string_view words_argument(FunctionCallInfo fcinfo, int place) {
  const ByteView words = pg::to_utf8(pg::local_view(PG_GETARG_DATUM(place)));
  if (words.size() > kMaxSearchNameBytes)
    pg::raise(Code::invalid_argument,
              "purpose, context and declaration of a search index are at most 65535 bytes");
  return as_text(words);
}

SearchOf bucket_of_arguments(FunctionCallInfo fcinfo, int first) {
  return {words_argument(fcinfo, first), words_argument(fcinfo, first + 1),
          words_argument(fcinfo, first + 2)};
}

Oid oid_of_bound(FunctionCallInfo fcinfo, int place) {
  return getBaseType(get_fn_expr_argtype(fcinfo->flinfo, place));
}

RangeBound bound_argument(FunctionCallInfo fcinfo, int place) {
  return range_bound(oid_of_bound(fcinfo, place),
                     PG_ARGISNULL(place) ? Datum{0} : PG_GETARG_DATUM(place), PG_ARGISNULL(place));
}

// Nothing is compared with it: then there are no rows, and nobody is asked.
bool is_null_bound(FunctionCallInfo fcinfo, int place) {
  return PG_ARGISNULL(place) && oid_of_bound(fcinfo, place) != kNoBound;
}

}  // namespace
}  // namespace nae::columns

using namespace nae;

NAE_FUNCTION(nae_bucket_input) {
  const columns::SearchOf of = columns::bucket_of_arguments(fcinfo, 0);
  const columns::RangeBound value = columns::bound_argument(fcinfo, 3);
  ByteView input;
  const auto made = columns::value_input(of, value.type, value.canonical, input);
  if (made != columns::SearchInput::made) columns::raise_unread(made, of.declaration);
  const Datum result = pg::make_bytea(input);
  columns::forget_search_input();
  PG_RETURN_DATUM(result);
}

// Not strict: a range may have one bound.
NAE_FUNCTION(nae_search_range) {
  for (int place = 0; place < 4; ++place)
    if (PG_ARGISNULL(place)) PG_RETURN_NULL();
  if (columns::is_null_bound(fcinfo, 4) || columns::is_null_bound(fcinfo, 5)) PG_RETURN_NULL();
  const std::string_view key = functions::key_reference_argument(fcinfo);
  const columns::SearchOf of = columns::bucket_of_arguments(fcinfo, 1);
  const columns::RangeBound low = columns::bound_argument(fcinfo, 4),
                            high = columns::bound_argument(fcinfo, 5);
  ByteView input;
  const auto made = columns::range_input(of, low, high, input);
  PG_RETURN_DATUM(columns::ask_searched_codes(key, of, made, input));
}

NAE_FUNCTION(nae_is_bucket_declaration) {
  PlainType type{};
  const std::string_view declaration = as_text(pg::local_view(PG_GETARG_DATUM(0)));
  PG_RETURN_BOOL(columns::find_bound_type(PG_GETARG_OID(1), type) &&
                 columns::has_buckets_by(declaration, type));
}
