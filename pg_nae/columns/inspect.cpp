// What a value of an encrypted column says about itself, without being sent to the key server:
// nae.is_ciphertext(), nae_internal.belongs(), nae.key_version().
#include "pg_nae/columns/casts.hpp"
#include "pg_nae/columns/key_ids.hpp"
#include "pg_nae/pg/values.hpp"

using namespace nae;
using namespace nae::columns;

NAE_FUNCTION(nae_column_is_ciphertext) {
  PG_RETURN_BOOL(is_ciphertext(pg::local_view(PG_GETARG_DATUM(0))));
}

NAE_FUNCTION(nae_column_belongs) {
  Value value;
  bool readable = try_read_value(pg::local_view(PG_GETARG_DATUM(0)), value);
  const ColumnKey& key = column_key(PG_GETARG_INT32(1));
  if (!readable || value.type != column_type(argument_type(fcinfo)).plain || !belongs(value, key))
    PG_RETURN_BOOL(false);
  const OfKey same = is_of(key, value);
  if (same == OfKey::unknown) warn_not_compared(key);
  PG_RETURN_BOOL(same != OfKey::no);
}

// NULL for a value that is still pending.
NAE_FUNCTION(nae_column_key_version) {
  Value value = read_value(PG_GETARG_DATUM(0));
  if (value.pending) PG_RETURN_NULL();
  PG_RETURN_INT32(value.ciphertext.key.version);
}
