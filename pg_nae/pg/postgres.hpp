// The wall: the only file that includes PostgreSQL's headers. They are C, define macros with
// everyday names and do not compile under our warnings.
//
// Code behind this wall may leave any frame by longjmp. So: where a PostgreSQL function is called,
// only trivially destructible objects live (views, plain structs, pointers).
#pragma once

// libstdc++ first: the macros below must not reach it.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

// Our objects are compiled with hidden visibility; before 16 the macro is empty.
#ifndef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wregister"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
extern "C" {
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/explain.h"
#include "commands/extension.h"
#include "commands/prepare.h"
#include "commands/tablecmds.h"
#include "commands/vacuum.h"
#include "common/base64.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqcomm.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "nodes/subscripting.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "optimizer/planner.h"
#include "optimizer/prep.h"
#include "optimizer/tlist.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "parser/parse_param.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "parser/parsetree.h"
#include "pgstat.h"
#include "plpgsql.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/logicalworker.h"
#include "replication/walsender.h"
#include "rewrite/rewriteManip.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/inet.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"
#include "utils/uuid.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#include "storage/waiteventset.h"
#endif
}
#pragma GCC diagnostic pop

#undef Min
#undef Max
#undef gettext
#undef dgettext
#undef ngettext
#undef dngettext
#undef StrNCpy
#undef vsnprintf
#undef snprintf
#undef vsprintf
#undef sprintf
#undef vfprintf
#undef fprintf
#undef vprintf
#undef printf
#undef strerror
#undef strerror_r

// One column of a row, 1 and on. heap_getattr() is inline and calls what servers of earlier minor
// releases have not: a library that is built with newer headers would not load into them.
inline Datum column_of_row(HeapTuple row, int column, TupleDesc shape, bool* is_null) {
  return column > static_cast<int>(HeapTupleHeaderGetNatts(row->t_data))
             ? getmissingattr(shape, column, is_null)
             : fastgetattr(row, column, shape, is_null);
}
// PG_GETARG_HEAPTUPLEHEADER(), alike: where the server has the function that looks for rows of a
// type that has changed, it is called.
#ifdef DatumGetHeapTupleHeader
inline HeapTupleHeader row_at(Datum row) {
  return DatumGetHeapTupleHeader(row);
}
#else
#pragma weak DatumGetHeapTupleHeader
inline HeapTupleHeader row_at(Datum row) {
  return DatumGetHeapTupleHeader != nullptr
             ? DatumGetHeapTupleHeader(row)
             : reinterpret_cast<HeapTupleHeader>(PG_DETOAST_DATUM(row));
}
#endif
#undef PG_GETARG_HEAPTUPLEHEADER
#pragma GCC poison heap_getattr PG_GETARG_HEAPTUPLEHEADER

// Of messages: tells ours from PostgreSQL's (hidden_text.cpp). They are not translated.
#undef TEXTDOMAIN
#define TEXTDOMAIN "pg_nae"

// What a callback for changes of the catalogs is told to have changed.
namespace nae::pg {
#if PG_VERSION_NUM >= 190000
using SystemCache = SysCacheIdentifier;
#else
using SystemCache = int;
#endif
}  // namespace nae::pg

// Defines one SQL-callable function. 15 and earlier declare it without visibility.
#define NAE_FUNCTION(name)                  \
  extern "C" {                              \
  PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
  PG_FUNCTION_INFO_V1(name);                \
  }                                         \
  extern "C" Datum name([[maybe_unused]] PG_FUNCTION_ARGS)
