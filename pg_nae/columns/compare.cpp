// Operators of the encrypted types. Deterministic ciphertexts of one key version and context are
// equal when their plaintexts are, byte by byte: that is what indexes, joins and GROUP BY use. The
// planner hook brings both sides of a comparison to that form; what it does not reach is compared
// as plaintext, here.
#include "pg_nae/columns/casts.hpp"
#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/pg/report.hpp"
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

// Canonical forms of what the comparison is about; decrypts what is not pending.
ByteView plaintext_of(const Value& value) {
  if (value.pending) return value.plaintext;
  Datum plain;
  bool is_null;
  decrypt_values(value.type, {&value, 1}, &plain, &is_null);
  if (is_null)
    pg::raise(Code::denied, "the policy shows this role NULL for a value that is compared");
  return canonical_form(value.type, plain, true);
}

bool are_comparable(const Value& a, const Value& b) {
  return !a.pending && !b.pending && a.ciphertext.context == b.ciphertext.context &&
         a.ciphertext.key == b.ciphertext.key;
}

bool equal(Datum a, Datum b) {
  Value left = read_value(a), right = read_value(b);
  if (are_comparable(left, right)) return order(left.stored, right.stored) == 0;
  return order(plaintext_of(left), plaintext_of(right)) == 0;
}

// An operand of a plaintext type.
Datum pending_argument(FunctionCallInfo fcinfo, int position, PlainType type) {
  return make_pending(type, canonical_form(type, assigned(fcinfo, position, type), true));
}

PlainType type_of(Datum datum) {
  return read_value(datum).type;
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
  PG_RETURN_BOOL(equal(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}
NAE_FUNCTION(nae_column_ne) {
  PG_RETURN_BOOL(!equal(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}
// (enc, plain) and (plain, enc)
NAE_FUNCTION(nae_column_eq_plain) {
  Datum left = PG_GETARG_DATUM(0);
  PG_RETURN_BOOL(equal(left, pending_argument(fcinfo, 1, type_of(left))));
}
NAE_FUNCTION(nae_column_ne_plain) {
  Datum left = PG_GETARG_DATUM(0);
  PG_RETURN_BOOL(!equal(left, pending_argument(fcinfo, 1, type_of(left))));
}
NAE_FUNCTION(nae_plain_eq_column) {
  Datum right = PG_GETARG_DATUM(1);
  PG_RETURN_BOOL(equal(pending_argument(fcinfo, 0, type_of(right)), right));
}
NAE_FUNCTION(nae_plain_ne_column) {
  Datum right = PG_GETARG_DATUM(1);
  PG_RETURN_BOOL(!equal(pending_argument(fcinfo, 0, type_of(right)), right));
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
// Of randomized types: ORDER BY and GROUP BY find them, and the planner hook compares plaintexts in
// their place.
NAE_FUNCTION(nae_randomized_compare) {
  refuse_randomized();
}
