#include "pg_nae/columns/drop_warning.hpp"

#include <algorithm>

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/refusals.hpp"
#include "pg_nae/pg/extension.hpp"

// Here alone: all columns of the database, and types by name.
extern "C" {
#include "catalog/pg_attribute.h"
#include "parser/parse_type.h"
}

namespace nae::columns {
namespace {

constexpr int kMostNames = 20;

// What goes: all encrypted columns, or those of one type (a domain), or those of domains in one
// schema whose tables stand elsewhere, or those of one role's domains in tables of others.
struct Dropped {
  bool everything = false;
  Oid type = InvalidOid;
  Oid schema = InvalidOid;
  Oid owner = InvalidOid;
};

Oid owner_of_table(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return InvalidOid;
  Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  return owner;
}

// Of a type's row; nothing where it is gone.
struct TypeRow {
  Oid schema = InvalidOid;
  Oid owner = InvalidOid;
  Oid below = InvalidOid;  // under a domain
};

TypeRow type_row(Oid type) {
  HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
  if (!HeapTupleIsValid(tuple)) return {};
  auto* form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
  const TypeRow row{form->typnamespace, form->typowner, form->typbasetype};
  ReleaseSysCache(tuple);
  return row;
}

bool goes(const Dropped& dropped, Oid table, Oid type) {
  if (dropped.everything) return true;
  TypeRow row;
  for (; OidIsValid(type); type = row.below) {
    if (type == dropped.type) return true;
    row = type_row(type);
    if (OidIsValid(dropped.schema) && row.schema == dropped.schema)
      return get_rel_namespace(table) != dropped.schema;
    if (OidIsValid(dropped.owner) && row.owner == dropped.owner)
      return owner_of_table(table) != dropped.owner;
  }
  return false;
}

// Values stand in these alone; those of a partition are its parent's.
bool stores_rows(Oid relation) {
  const char kind = get_rel_relkind(relation);
  return (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE ||
          kind == RELKIND_MATVIEW || kind == RELKIND_FOREIGN_TABLE) &&
         !get_rel_relispartition(relation);
}

// "customers.ssn", of the columns that go.
List* names_of(const Dropped& dropped) {
  List* names = NIL;
  Relation attributes = table_open(AttributeRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(attributes, InvalidOid, false, nullptr, 0, nullptr);
  for (HeapTuple tuple; HeapTupleIsValid(tuple = systable_getnext(scan));) {
    auto* column = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
    if (column->attnum <= 0 || column->attisdropped ||
        find_column_type(column->atttypid) == nullptr || !stores_rows(column->attrelid) ||
        !goes(dropped, column->attrelid, column->atttypid))
      continue;
    names = lappend(names, psprintf("%s.%s", shown(column->attrelid),
                                    quote_identifier(NameStr(column->attname))));
  }
  systable_endscan(scan);
  table_close(attributes, AccessShareLock);
  list_sort(names, [](const ListCell* a, const ListCell* b) {
    return std::strcmp(static_cast<const char*>(lfirst(a)), static_cast<const char*>(lfirst(b)));
  });
  return names;
}

const char* joined(List* names) {
  StringInfoData text;
  initStringInfo(&text);
  const int shown_names = std::min(list_length(names), kMostNames);
  for (int i = 0; i < shown_names; ++i)
    appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ", static_cast<char*>(list_nth(names, i)));
  if (list_length(names) > kMostNames)
    appendStringInfo(&text, " and %d more", list_length(names) - kMostNames);
  return text.data;
}

void warn(const Dropped& dropped) {
  List* names = names_of(dropped);
  if (names == NIL) return;
  ereport(
      WARNING,
      (errmsg_plural("%d encrypted column is dropped, with all that is in it",
                     "%d encrypted columns are dropped, with all that is in them",
                     list_length(names), list_length(names)),
       errdetail("Dropped: %s.", joined(names)),
       errhint("In a transaction block ROLLBACK undoes it. The values of a column stay where CALL "
               "nae.decrypt_column() came first.")));
}

// Others are told by PostgreSQL that they are not the owner.
void refuse_extension() {
  if (!has_privs_of_role(GetUserId(), pg::extension_owner())) return;
  List* names = names_of({.everything = true});
  if (names == NIL) return;
  ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                  errmsg_plural("cannot drop extension pg_nae: %d column is encrypted",
                                "cannot drop extension pg_nae: %d columns are encrypted",
                                list_length(names), list_length(names)),
                  errdetail("Encrypted: %s.", joined(names)),
                  errhint("CALL nae.decrypt_column() for each of them first. CASCADE drops the "
                          "columns, with all that is in them.")));
}

// There is no such object, or PostgreSQL refuses to drop it because the extension requires it.
bool is_own(Oid catalog, Oid object) {
  return !OidIsValid(object) || pg::is_of_extension(catalog, object);
}

void look_at_extensions(const DropStmt* statement) {
  ListCell* cell;
  foreach (cell, statement->objects) {
    if (std::strcmp(strVal(lfirst(cell)), "pg_nae") != 0) continue;
    if (statement->behavior == DROP_CASCADE) return warn({.everything = true});
    refuse_extension();
  }
}

// Who owns the extension takes its types along, and with CASCADE the columns of whoever has some.
void look_at_owners(const DropOwnedStmt* statement) {
  if (statement->behavior != DROP_CASCADE) return;
  ListCell* cell;
  foreach (cell, statement->roles) {
    const Oid owner = get_rolespec_oid(lfirst_node(RoleSpec, cell), true);
    if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner)) continue;
    if (owner == pg::extension_owner()) return warn({.everything = true});
    warn({.owner = owner});
  }
}

}  // namespace

void warn_of_dropped_columns(const Node* node) {
  if (!has_column_types()) return;
  if (IsA(node, DropOwnedStmt)) return look_at_owners(reinterpret_cast<const DropOwnedStmt*>(node));
  if (!IsA(node, DropStmt)) return;
  auto* statement = reinterpret_cast<const DropStmt*>(node);
  if (statement->removeType == OBJECT_EXTENSION) return look_at_extensions(statement);
  if (statement->behavior != DROP_CASCADE) return;
  ListCell* cell;
  foreach (cell, statement->objects) {
    if (statement->removeType == OBJECT_TYPE || statement->removeType == OBJECT_DOMAIN) {
      Oid type = LookupTypeNameOid(nullptr, lfirst_node(TypeName, cell), true);
      if (!is_own(TypeRelationId, type)) warn({.type = type});
    } else if (statement->removeType == OBJECT_SCHEMA) {
      Oid schema = get_namespace_oid(strVal(lfirst(cell)), true);
      if (!is_own(NamespaceRelationId, schema)) warn({.schema = schema});
    }
  }
}

}  // namespace nae::columns
