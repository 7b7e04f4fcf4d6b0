// nae_envelope(value): read here, without the key server.
#include "pg_nae/functions/value_description.hpp"
#include "pg_nae/pg/release.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

using namespace nae;

NAE_FUNCTION(nae_envelope) {
  TupleDesc description;
  if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  functions::ValueDescription value;
  backend::Failure failure;
  if (!functions::describe(pg::local_view(PG_GETARG_DATUM(0)), value, failure)) pg::raise(failure);
  Datum fields[] = {
      pg::make_text(as_bytes(value.format)),
      pg::make_text(as_bytes(value.algorithm)),
      pg::make_bytea(value.key.key.bytes),
      Int32GetDatum(value.key.version),
      pg::make_bytea(value.salt),
      Int64GetDatum(std::int64_t{value.counter}),
      pg::make_bytea(value.payload),
  };
  pg::expect_known_columns(description, static_cast<int>(std::size(fields)));
  bool nulls[] = {false, false, false, false, !value.has_salt, !value.has_counter, false};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), fields, nulls));
}
