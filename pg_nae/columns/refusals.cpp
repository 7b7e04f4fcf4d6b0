#include "pg_nae/columns/refusals.hpp"

namespace nae::columns {
namespace {

bool row_contains_column_type(Oid type) {
  TupleDesc row = lookup_rowtype_tupdesc_noerror(type, -1, true);
  if (row == nullptr) return false;
  bool contains = false;
  for (int i = 0; i < row->natts && !contains; ++i)
    contains = !TupleDescAttr(row, i)->attisdropped &&
               contains_column_type(TupleDescAttr(row, i)->atttypid);
  ReleaseTupleDesc(row);
  return contains;
}

// pg_repack keeps whole rows, as they are stored, while it copies a table.
bool is_of_repack(Oid table) {
  Oid extension = get_extension_oid("pg_repack", true);
  return OidIsValid(extension) &&
         getExtensionOfObject(NamespaceRelationId, get_rel_namespace(table)) == extension;
}

}  // namespace

bool contains_column_type(Oid type) {
  if (type < FirstNormalObjectId) return false;
  if (find_column_type(type) != nullptr || find_column_type_of_array(type) != nullptr) return true;
  check_stack_depth();
  if (Oid element = get_element_type(type); OidIsValid(element))
    return contains_column_type(element);
  switch (get_typtype(type)) {
    case TYPTYPE_DOMAIN:
      return contains_column_type(getBaseType(type));
    case TYPTYPE_COMPOSITE:
      return row_contains_column_type(type);
    case TYPTYPE_RANGE:
      return contains_column_type(get_range_subtype(type));
    case TYPTYPE_MULTIRANGE:
      return contains_column_type(get_multirange_range(type));
    default:
      return false;
  }
}

const char* shown(Oid relation) {
  Oid schema = get_rel_namespace(relation);
  return quote_qualified_identifier(isTempNamespace(schema) ? nullptr : get_namespace_name(schema),
                                    get_rel_name(relation));
}

// Values of a column without a key would stay what they were before encryption.
void check_column(const char* name, Oid type, int32 typmod, Oid table) {
  if (find_column_type(type) != nullptr) {
    Oid base = getBaseTypeAndTypmod(type, &typmod);
    if (typmod >= 0) return;
    ereport(ERROR, (errcode(ERRCODE_INVALID_COLUMN_DEFINITION),
                    errmsg("encrypted column \"%s\" of %s has no key", name, shown(table)),
                    errhint("Name the key, as in %s %s('key').", quote_identifier(name),
                            format_type_be_qualified(base))));
  }
  if (contains_column_type(type) && !is_of_repack(table))
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("column \"%s\" of type %s would hold encrypted values inside other "
                    "values",
                    name,
                    format_type_extended(type, typmod,
                                         FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY)),
             errhint("Only columns of encrypted types are encrypted and decrypted: give "
                     "each value a row of its own.")));
}

bool is_randomized(Oid type) {
  const ColumnType* found = find_column_type(type);
  return found != nullptr && !found->deterministic;
}

// Randomized types have a b-tree operator class for PostgreSQL's own needs, so that it would accept
// an index on them, in which nothing can ever be found.
void refuse_randomized(const char* index, const char* column) {
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("%s is on the randomized column \"%s\"", index, column),
           errdetail("Equal values of such a column have different ciphertexts: no index, no "
                     "constraint finds them equal."),
           errhint("Use a deterministic type, as nae.enc_det_text, or search by a blind "
                   "index: CALL nae.add_blind_index().")));
  pg_unreachable();
}

// UNIQUE, PRIMARY KEY and EXCLUDE are indexes too.
void check_index(Oid oid) {
  Relation index = index_open(oid, AccessShareLock);
  TupleDesc keys = RelationGetDescr(index);
  for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); ++i)
    if (is_randomized(TupleDescAttr(keys, i)->atttypid))
      refuse_randomized(psprintf("index %s", shown(oid)), NameStr(TupleDescAttr(keys, i)->attname));
  index_close(index, NoLock);
}

}  // namespace nae::columns

using namespace nae::columns;

// nae_internal.contains_encrypted(oid)
NAE_FUNCTION(nae_contains_column_type) {
  PG_RETURN_BOOL(contains_column_type(PG_GETARG_OID(0)));
}

// nae_internal.base_type(INOUT type oid, INOUT typmod integer): domains stripped off.
NAE_FUNCTION(nae_base_type) {
  TupleDesc row;
  if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "nae_internal.base_type() does not answer a row");
  int32 typmod = PG_GETARG_INT32(1);
  Oid base = getBaseTypeAndTypmod(PG_GETARG_OID(0), &typmod);
  Datum values[] = {ObjectIdGetDatum(base), Int32GetDatum(typmod)};
  bool nulls[] = {false, false};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row, values, nulls)));
}
