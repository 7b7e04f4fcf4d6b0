#include "pg_nae/columns/definitions.hpp"

#include "pg_nae/columns/refusals.hpp"
#include "pg_nae/pg/nodes.hpp"

// Types by the names that a statement gives them.
extern "C" {
#include "parser/parse_type.h"
}

namespace nae::columns {
namespace {

// Before it has a place, and perhaps a name.
const char* shown_index(const IndexStmt* index, Relation table) {
  const char* owner = shown(RelationGetRelid(table));
  if (index->primary) return psprintf("the primary key of %s", owner);
  if (index->idxname == nullptr)
    return psprintf("%s of %s", index->isconstraint ? "a constraint" : "an index", owner);
  Oid schema = RelationGetNamespace(table);
  return psprintf("index %s", quote_qualified_identifier(
                                  isTempNamespace(schema) ? nullptr : get_namespace_name(schema),
                                  index->idxname));
}

[[noreturn]] void refuse_computed(const char* index) {
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("%s would keep what it computes from encrypted columns in clear", index),
           errhint("Let a trigger keep what is searched for, as lower(email), in a deterministic "
                   "column of its own, and index that: docs/columns.md, \"Unique without regard to "
                   "case\". Or search by codes: CALL nae.add_blind_index(..., normalization => "
                   "'lower').")));
  pg_unreachable();
}

// Whether something other than the stored value comes of an encrypted column: all ways to its
// plaintext are functions of ours that are not immutable.
bool decrypts(Node* node, void* state) {
  if (node == nullptr) return false;
  Oid function = InvalidOid;
  if (IsA(node, FuncExpr)) function = reinterpret_cast<FuncExpr*>(node)->funcid;
  if (IsA(node, OpExpr)) function = get_opcode(reinterpret_cast<OpExpr*>(node)->opno);
  if (OidIsValid(function) && is_column_function(function) &&
      func_volatile(function) != PROVOLATILE_IMMUTABLE)
    return true;
  return pg::walk_children(node, decrypts, state);
}

Node* analyzed(Node* expression, ParseExprKind kind, Relation table, const char* text) {
  ParseState* state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  ParseNamespaceItem* item =
      addRangeTableEntryForRelation(state, table, AccessShareLock, nullptr, false, true);
  addNSItemToQuery(state, item, false, true, true);
  Node* result = transformExpr(state, pg::copy_of(expression), kind);
  free_parsestate(state);
  return result;
}

void check_new_index(const IndexStmt* index, const char* text) {
  // Of a constraint, or made for a partition: within the command that the guard looks at.
  if (index->relation == nullptr || !has_column_types()) return;
  // The lock and the permissions that the command is about to ask for.
  Oid oid = RangeVarGetRelidExtended(index->relation,
                                     index->concurrent ? ShareUpdateExclusiveLock : ShareLock,
                                     RVR_MISSING_OK, RangeVarCallbackOwnsRelation, nullptr);
  if (!OidIsValid(oid)) return;
  Relation table = relation_open(oid, NoLock);
  const char* name = shown_index(index, table);
  auto check = [&](Node* expression, ParseExprKind kind) {
    if (expression == nullptr) return;
    // Of an index that LIKE copies.
    if (!index->transformed) expression = analyzed(expression, kind, table, text);
    if (decrypts(expression, nullptr)) refuse_computed(name);
  };
  ListCell* cell;
  foreach (cell, index->indexParams) {
    auto* element = lfirst_node(IndexElem, cell);
    if (element->name != nullptr && is_randomized(get_atttype(oid, get_attnum(oid, element->name))))
      refuse_randomized(name, element->name);
    check(element->expr, EXPR_KIND_INDEX_EXPRESSION);
  }
  check(index->whereClause, EXPR_KIND_INDEX_PREDICATE);
  relation_close(table, NoLock);
}

bool is_concurrent(const ReindexStmt* statement) {
  bool concurrently = false;
  ListCell* cell;
  foreach (cell, statement->params) {
    auto* option = lfirst_node(DefElem, cell);
    if (std::strcmp(option->defname, "concurrently") == 0) concurrently = defGetBoolean(option);
  }
  return concurrently;
}

void check_indexes_of(Oid oid) {
  char kind = get_rel_relkind(oid);
  if (kind == RELKIND_INDEX) return check_index(oid);
  if (!RELKIND_HAS_STORAGE(kind)) return;
  Relation table = relation_open(oid, NoLock);
  ListCell* cell;
  foreach (cell, RelationGetIndexList(table)) check_index(lfirst_oid(cell));
  relation_close(table, NoLock);
}

// Of a schema, or of the whole database.
void check_all_indexes(Oid schema) {
  Relation catalog = table_open(IndexRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
  while (HeapTuple tuple = systable_getnext(scan)) {
    auto* index = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
    Oid home = get_rel_namespace(index->indrelid);
    if (index->indexrelid < FirstNormalObjectId || (OidIsValid(schema) && home != schema)) continue;
    for (AttrNumber key = 1; key <= index->indnkeyatts; ++key)
      if (is_randomized(get_atttype(index->indexrelid, key)))
        refuse_randomized(psprintf("index %s", shown(index->indexrelid)),
                          get_attname(index->indexrelid, key, false));
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
}

// An index that was made while the guard did not run; rebuilt beside itself, it would leave
// another.
void check_reindex(const ReindexStmt* statement) {
  if (!is_concurrent(statement) || !has_column_types()) return;
  if (statement->relation == nullptr)
    return check_all_indexes(statement->kind == REINDEX_OBJECT_SCHEMA
                                 ? get_namespace_oid(statement->name, true)
                                 : InvalidOid);
  Oid oid = RangeVarGetRelid(statement->relation, AccessShareLock, true);
  if (OidIsValid(oid)) check_indexes_of(oid);
}

// Values of such a column would be written as plaintext before the guard takes them back.
void check_new_column(const char* name, const TypeName* type, Oid table) {
  HeapTuple found = LookupTypeName(nullptr, type, nullptr, true);
  if (found == nullptr) return;  // serial, or an error to come
  Oid oid = typeTypeId(found);
  ReleaseSysCache(found);
  const bool has_key = type->typmods != NIL && find_column_type(oid) != nullptr;
  if (!has_key) check_column(name, oid, -1, table);
}

void check_columns(const AlterTableStmt* statement) {
  if (statement->objtype != OBJECT_TABLE || !has_column_types()) return;
  Oid table = RangeVarGetRelid(statement->relation, NoLock, true);
  if (!OidIsValid(table)) return;
  // REFRESH MATERIALIZED VIEW CONCURRENTLY compares whole rows in a temporary table of its own.
  if (InSecurityRestrictedOperation() && isTempNamespace(get_rel_namespace(table))) return;
  ListCell* cell;
  foreach (cell, statement->cmds) {
    auto* command = lfirst_node(AlterTableCmd, cell);
    if (command->subtype != AT_AddColumn && command->subtype != AT_AlterColumnType) continue;
    auto* column = castNode(ColumnDef, command->def);
    if (column->typeName != nullptr)
      check_new_column(command->subtype == AT_AddColumn ? column->colname : command->name,
                       column->typeName, table);
  }
}

}  // namespace

void check_definition(const Node* statement, const char* text) {
  switch (nodeTag(statement)) {
    case T_IndexStmt:
      return check_new_index(reinterpret_cast<const IndexStmt*>(statement), text);
    case T_ReindexStmt:
      return check_reindex(reinterpret_cast<const ReindexStmt*>(statement));
    case T_AlterTableStmt:
      return check_columns(reinterpret_cast<const AlterTableStmt*>(statement));
    default:
      return;
  }
}

}  // namespace nae::columns
