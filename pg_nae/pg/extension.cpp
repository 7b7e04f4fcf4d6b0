#include "pg_nae/pg/extension.hpp"

namespace nae::pg {
namespace {

// Somebody else may have a schema of that name where the extension has none.
Oid own_schema(const char* name) {
  Oid extension = extension_id();
  Oid schema = OidIsValid(extension) ? get_namespace_oid(name, true) : InvalidOid;
  return is_member(extension, NamespaceRelationId, schema) ? schema : InvalidOid;
}

}  // namespace

Oid extension_id() {
  return get_extension_oid("pg_nae", true);
}

Oid column_schema() {
  return own_schema("nae");
}

Oid internal_schema() {
  return own_schema("nae_internal");
}

Oid relation_of_extension(const char* name) {
  Oid schema = internal_schema();
  return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

bool is_of_extension(Oid catalog, Oid object) {
  return is_member(extension_id(), catalog, object);
}

bool is_member(Oid extension, Oid catalog, Oid object) {
  return OidIsValid(extension) && getExtensionOfObject(catalog, object) == extension;
}

Oid extension_owner() {
  Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(extension_id()));
  SysScanDesc scan = systable_beginscan(extensions, ExtensionOidIndexId, true, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "extension pg_nae is not installed");
  Oid owner = reinterpret_cast<Form_pg_extension>(GETSTRUCT(tuple))->extowner;
  systable_endscan(scan);
  table_close(extensions, AccessShareLock);
  return owner;
}

}  // namespace nae::pg
