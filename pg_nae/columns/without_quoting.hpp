// WithoutQuoting: PostgreSQL's own conversions quote what they cannot read, and here that is a
// value that was or is to be encrypted. The error is replaced by one that does not show it.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// `raise` takes the SQLSTATE and does not return: the error is raised anew and not swallowed, for
// the conversion may have left anything behind.
template <class Conversion, class Raise>
Datum without_quoting(Conversion conversion, Raise raise) {
  MemoryContext context = CurrentMemoryContext;
  volatile Datum result = 0;
  volatile int sqlstate = 0;
  PG_TRY();
  { result = conversion(); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    ErrorData* error = CopyErrorData();
    sqlstate = error->sqlerrcode;
    FlushErrorState();
  }
  PG_END_TRY();
  if (sqlstate != 0) raise(sqlstate);
  return result;
}

}  // namespace nae::columns
