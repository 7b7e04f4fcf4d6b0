#include "pg_nae/pg/release.hpp"

#include <cstdio>

#include "pg_nae/pg/extension.hpp"

// Here alone: what release the catalogs are of.
extern "C" {
#include "catalog/pg_extension.h"
}

namespace nae::pg {
namespace {

// pg_extension.extversion; nullptr where the extension is not installed.
char* catalog_release() {
  Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(extension_id()));
  SysScanDesc scan = systable_beginscan(extensions, ExtensionOidIndexId, true, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  char* release = nullptr;
  if (HeapTupleIsValid(tuple)) {
    bool is_null = true;
    const Datum version =
        column_of_row(tuple, Anum_pg_extension_extversion, RelationGetDescr(extensions), &is_null);
    if (!is_null) release = TextDatumGetCString(version);
  }
  systable_endscan(scan);
  table_close(extensions, AccessShareLock);
  return release;
}

struct Numbers {
  int major, minor, patch;
  auto operator<=>(const Numbers&) const = default;
};

// False for what is no release of ours.
bool read(const char* text, Numbers& numbers) {
  char rest;
  return std::sscanf(text, "%d.%d.%d%c", &numbers.major, &numbers.minor, &numbers.patch, &rest) ==
         3;
}

}  // namespace

void expect_known_columns(const TupleDescData* row, int known) {
  if (row->natts <= known) return;
  const char* release = catalog_release();
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the library of pg_nae is of release %s, and extension pg_nae of this "
                         "database of a later one (%s)",
                         NAE_VERSION, release != nullptr ? release : "unknown"),
                  errhint("Install the library of that release and restart PostgreSQL.")));
}

void refuse_downgrade(const Node* node) {
  if (!IsA(node, AlterExtensionStmt)) return;
  auto* statement = reinterpret_cast<const AlterExtensionStmt*>(node);
  const char* now = std::strcmp(statement->extname, "pg_nae") == 0 ? catalog_release() : nullptr;
  if (now == nullptr) return;
  ListCell* cell;
  foreach (cell, statement->options) {
    auto* option = lfirst_node(DefElem, cell);
    if (std::strcmp(option->defname, "new_version") != 0) continue;
    Numbers from, to;
    if (!read(now, from) || !read(strVal(option->arg), to) || to >= from) continue;
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("extension pg_nae %s cannot be brought back to %s", now, strVal(option->arg)),
             errdetail("An earlier release cannot read what this one may have encrypted."),
             errhint("Restore a backup that was made before the update.")));
  }
}

}  // namespace nae::pg
