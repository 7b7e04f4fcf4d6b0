#include "pg_nae/columns/own_objects.hpp"

#include "pg_nae/columns/drop_warning.hpp"
#include "pg_nae/pg/extension.hpp"
#include "pg_nae/pg/release.hpp"

namespace nae::columns {
namespace {

// The statement at hand changes what an object is called, where it stands or what it does. Its
// owner and its privileges are the administrator's to change.
bool redefining = false;

bool redefines(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_RenameStmt:
    case T_AlterObjectSchemaStmt:
    case T_CreateFunctionStmt:
    case T_AlterFunctionStmt:
    case T_AlterTypeStmt:
    case T_AlterOperatorStmt:
    case T_AlterOpFamilyStmt:
    case T_DefineStmt:
    case T_ViewStmt:
      return true;
    default:
      return false;
  }
}

// The extension's own scripts, and pg_upgrade, which makes each of its objects by itself.
bool is_installing() {
  return creating_extension || IsBinaryUpgrade;
}

Oid schema_of(List* name) {
  char* last;
  return name != NIL ? QualifiedNameGetCreationNamespace(name, &last) : InvalidOid;
}
Oid schema_of(const RangeVar* relation) {
  bool is_local = relation->relpersistence != RELPERSISTENCE_TEMP;
  return is_local ? RangeVarGetCreationNamespace(relation) : InvalidOid;
}

// Where the statement would put something new.
Oid creation_schema(const Node* node) {
  switch (nodeTag(node)) {
    case T_CreateFunctionStmt:
      return schema_of(reinterpret_cast<const CreateFunctionStmt*>(node)->funcname);
    case T_DefineStmt:
      return schema_of(reinterpret_cast<const DefineStmt*>(node)->defnames);
    case T_CreateDomainStmt:
      return schema_of(reinterpret_cast<const CreateDomainStmt*>(node)->domainname);
    case T_CreateEnumStmt:
      return schema_of(reinterpret_cast<const CreateEnumStmt*>(node)->typeName);
    case T_CreateRangeStmt:
      return schema_of(reinterpret_cast<const CreateRangeStmt*>(node)->typeName);
    case T_CompositeTypeStmt:
      return schema_of(reinterpret_cast<const CompositeTypeStmt*>(node)->typevar);
    case T_CreateStmt:
    case T_CreateForeignTableStmt:
      return schema_of(reinterpret_cast<const CreateStmt*>(node)->relation);
    case T_CreateSeqStmt:
      return schema_of(reinterpret_cast<const CreateSeqStmt*>(node)->sequence);
    case T_ViewStmt:
      return schema_of(reinterpret_cast<const ViewStmt*>(node)->view);
    case T_CreateTableAsStmt:
      return schema_of(reinterpret_cast<const CreateTableAsStmt*>(node)->into->rel);
    case T_AlterObjectSchemaStmt:
      return get_namespace_oid(reinterpret_cast<const AlterObjectSchemaStmt*>(node)->newschema,
                               true);
    default:
      return InvalidOid;
  }
}

// An object of another name would be taken for one of the extension's: a function for the one that
// decrypts, say.
void refuse_creation(const Node* statement) {
  Oid schema = creation_schema(statement);
  if (!OidIsValid(schema) || (schema != pg::column_schema() && schema != pg::internal_schema()))
    return;
  ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                  errmsg("schema %s belongs to extension pg_nae, and nothing else is made in it",
                         get_namespace_name(schema)),
                  errhint("Name a schema of your own.")));
}

void refuse_redefinition(Oid catalog, Oid object) {
  ObjectAddress address;
  ObjectAddressSet(address, catalog, object);
  ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
                  errmsg("cannot change %s because extension pg_nae requires it",
                         getObjectDescription(&address, false)),
                  errdetail("By their names and definitions the extension knows its own objects. "
                            "Encrypted columns would neither be encrypted nor decrypted."),
                  errhint("Change its owner or its privileges, or leave it as it is.")));
}

// ALTER EXTENSION pg_nae ADD and DROP.
void refuse_other_members(const Node* node) {
  if (!IsA(node, AlterExtensionContentsStmt)) return;
  auto* statement = reinterpret_cast<const AlterExtensionContentsStmt*>(node);
  if (std::strcmp(statement->extname, "pg_nae") != 0) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("the objects of extension pg_nae cannot be changed one by one"),
                  errhint("ALTER EXTENSION pg_nae UPDATE brings them to another release.")));
}

void on_access(ObjectAccessType access, Oid catalog, Oid object, int column, void* argument) {
  own_objects_access_hook.next(access, catalog, object, column, argument);
  // CREATE OR REPLACE is reported as a creation.
  if ((access != OAT_POST_ALTER && access != OAT_POST_CREATE) || !redefining || is_installing())
    return;
  if (pg::is_of_extension(catalog, object)) refuse_redefinition(catalog, object);
}

void process(NAE_UTILITY_PARAMETERS) {
  auto go_on = [&] { own_objects_utility_hook.next(NAE_UTILITY_ARGUMENTS); };
  const Node* node = statement->utilityStmt;
  if (!is_installing() && IsTransactionState()) {
    refuse_other_members(node);
    refuse_creation(node);
    pg::refuse_downgrade(node);
    warn_of_dropped_columns(node);
  }
  const bool before = redefining;
  if (before == redefines(node)) return go_on();
  redefining = !before;
  PG_TRY();
  { go_on(); }
  PG_FINALLY();
  { redefining = before; }
  PG_END_TRY();
}

}  // namespace

pg::Hook<ProcessUtility_hook_type> own_objects_utility_hook{process, standard_ProcessUtility};
pg::Hook<object_access_hook_type> own_objects_access_hook{on_access, nullptr};

}  // namespace nae::columns
