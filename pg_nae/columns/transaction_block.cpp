// nae_internal.refuse_transaction_block(called): what commits by itself is called outside of one.
#include "pg_nae/pg/postgres.hpp"

// PostgreSQL's own error of the COMMIT that follows, "invalid transaction termination", says
// neither what was called nor what to do.
NAE_FUNCTION(nae_refuse_transaction_block) {
  if (!SPI_inside_nonatomic_context()) {
    char* called = text_to_cstring(PG_GETARG_TEXT_PP(0));
    ereport(ERROR,
            (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
             errmsg("%s cannot run inside a transaction block", called),
             errdetail("It commits after each batch of rows. Nothing has begun."),
             errhint("CALL it outside of BEGIN and COMMIT, and not from a function; a driver "
                     "does so in autocommit mode.")));
  }
  PG_RETURN_VOID();
}
