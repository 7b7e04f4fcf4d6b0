// Operators of the encrypted types. Deterministic ciphertexts of one key version and context are
// equal when their plaintexts are, byte by byte: that is what indexes, joins and GROUP BY use. Who
// compares values of other versions or contexts finds them different, so the planner hook sees to
// it that nobody does (comparison.cpp).
#include "pg_nae/columns/value.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

// Order of bytes: no order of plaintexts, but one that indexes and sorts can rest on.
int order(ByteView a, ByteView b) {
  std::size_t common = a.size() < b.size() ? a.size() : b.size();
  int result = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (result != 0) return result;
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

int order(Datum a, Datum b) {
  Value left = read_value(a), right = read_value(b);
  if (left.pending || right.pending)
    pg::raise(Code::unsupported, "a plaintext is compared with ciphertexts",
              "Cast the column to its plaintext type, as in ssn::text.");
  return order(left.stored, right.stored);
}

[[noreturn]] void refuse_randomized() {
  pg::raise(Code::unsupported,
            "values of a randomized column cannot be compared as they are stored",
            "Cast the column to its plaintext type, as in note::text; pg_nae must be in "
            "shared_preload_libraries for ORDER BY and GROUP BY of the column itself.");
}

}  // namespace
}  // namespace nae::columns

using namespace nae::columns;

NAE_FUNCTION(nae_column_eq) {
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) == 0);
}
NAE_FUNCTION(nae_column_ne) {
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) != 0);
}
NAE_FUNCTION(nae_column_lt) {
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) < 0);
}
NAE_FUNCTION(nae_column_le) {
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) <= 0);
}
NAE_FUNCTION(nae_column_ge) {
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) >= 0);
}
NAE_FUNCTION(nae_column_gt) {
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) > 0);
}
NAE_FUNCTION(nae_column_cmp) {
  PG_RETURN_INT32(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}
NAE_FUNCTION(nae_column_hash) {
  nae::ByteView bytes = nae::pg::local_view(PG_GETARG_DATUM(0));
  return hash_any(bytes.data(), static_cast<int>(bytes.size()));
}
NAE_FUNCTION(nae_column_hash_extended) {
  nae::ByteView bytes = nae::pg::local_view(PG_GETARG_DATUM(0));
  return hash_any_extended(bytes.data(), static_cast<int>(bytes.size()),
                           static_cast<uint64>(PG_GETARG_INT64(1)));
}
// Of randomized types. What is compared for itself the planner hook compares as plaintexts; it does
// not see WHEN (OLD.* IS DISTINCT FROM NEW.*), for which a value that was encrypted anew is
// another. Where the library is loaded too late for the hook, nothing is equal by chance.
NAE_FUNCTION(nae_randomized_eq) {
  if (!nae::pg::settings.preloaded) refuse_randomized();
  PG_RETURN_BOOL(order(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) == 0);
}
// ORDER BY and GROUP BY resolve to these.
NAE_FUNCTION(nae_randomized_compare) {
  refuse_randomized();
}
// Of aggregates that only stand for those of plaintexts while a statement is analyzed.
NAE_FUNCTION(nae_aggregated) {
  refuse_randomized();
}
// Of windows with RANGE and an offset, which are ordered by plaintexts when they run.
NAE_FUNCTION(nae_in_range) {
  refuse_randomized();
}
