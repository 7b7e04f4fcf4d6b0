// nae_internal.wait_for_older_snapshots(): until no transaction sees what was before this one's
// snapshot.
#include "pg_nae/pg/postgres.hpp"
#include "pg_nae/pg/report.hpp"

// A column that takes another's place was filled by updates, which such a transaction does not see:
// under REPEATABLE READ it would read NULL, and find nothing, where it has read values before. As
// CREATE INDEX CONCURRENTLY waits, and for the same; no lock on the table is held meanwhile. Ends
// by a deadlock error where two wait for each other.
NAE_FUNCTION(nae_wait_for_older_snapshots) {
  int count = 0;
  VirtualTransactionId* older =
      GetCurrentVirtualXIDs(GetActiveSnapshot()->xmin, true, false,
                            PROC_IS_AUTOVACUUM | PROC_IN_VACUUM | PROC_IN_SAFE_IC, &count);
  for (int i = 0; i < count; ++i) VirtualXactLock(older[i], true);
  PG_RETURN_VOID();
}
