// nae_internal.fault(enc, typmod)
#include "pg_nae/columns/fault.hpp"

#include "pg_nae/columns/crypt.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {

const char* apparent_fault(Datum datum, int32 typmod, Value& value) {
  if (!try_read_value(pg::local_view(datum), value)) return "cannot be read as a ciphertext";
  if (value.pending) return "is not encrypted";
  const ColumnKey& key = column_key(typmod);
  if (value.ciphertext.context != key.tag) return "is of another key or context";
  return belongs(value, key) ? nullptr : "is of another kind or key version";
}

const char* fault_of(Code code) {
  switch (code) {
    case Code::envelope_malformed:
      return "cannot be read as a ciphertext";
    case Code::envelope_foreign:
      return "is of another key than the column's";
    case Code::authentication_failed:
      return "was changed: it cannot be authenticated";
    default:
      return nullptr;
  }
}

namespace {

// SQLSTATEs of our own codes, as they are raised.
const char* fault_of_sqlstate(int sqlstate) {
  for (Code code : {Code::envelope_malformed, Code::envelope_foreign, Code::authentication_failed})
    if (sqlstate == pg::sqlstate_of(code)) return fault_of(code);
  return nullptr;
}

// One value alone. Its failure is the key server's answer, after which nothing is left undone: the
// error can be taken for a result. Whatever else is raised goes on.
const char* fault_of_value(const Value& value) {
  MemoryContext context = CurrentMemoryContext;
  const char* volatile fault = nullptr;
  PG_TRY();
  {
    Datum result;
    bool is_null;
    decrypt_values(value.type, {&value, 1}, false, &result, &is_null);
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    fault = fault_of_sqlstate(error->sqlerrcode);
    if (fault == nullptr) PG_RE_THROW();
    FlushErrorState();
  }
  PG_END_TRY();
  return fault;
}

}  // namespace
}  // namespace nae::columns

using namespace nae;
using namespace nae::columns;

// NULL when there is none. The batch node answers it for many rows.
NAE_FUNCTION(nae_column_fault) {
  Value value;
  const char* fault = apparent_fault(PG_GETARG_DATUM(0), PG_GETARG_INT32(1), value);
  if (fault == nullptr) fault = fault_of_value(value);
  if (fault == nullptr) PG_RETURN_NULL();
  PG_RETURN_DATUM(CStringGetTextDatum(fault));
}
