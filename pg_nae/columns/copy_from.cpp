#include "pg_nae/columns/copy_from.hpp"

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/copy_stream.hpp"
#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {
namespace {

const char* option_text(const DefElem* option) {
  return option->arg == nullptr ? "" : defGetString(const_cast<DefElem*>(option));
}

// What is read field by field. Options that look at a field once it was read by its type stay
// PostgreSQL's alone.
bool is_by_lines(const CopyStmt* statement) {
  ListCell* cell;
  foreach (cell, statement->options) {
    auto* option = lfirst_node(DefElem, cell);
    if (std::strcmp(option->defname, "format") == 0 &&
        std::strcmp(option_text(option), "binary") == 0)
      return false;
    if (std::strcmp(option->defname, "default") == 0 ||
        std::strcmp(option->defname, "on_error") == 0)
      return false;
  }
  return true;
}

bool is_from_into_table(const CopyStmt* statement) {
  return statement->is_from && statement->relation != nullptr && has_column_types();
}

bool has_encrypted(Relation relation, List* attributes) {
  ListCell* cell;
  foreach (cell, attributes) {
    auto* attribute = TupleDescAttr(RelationGetDescr(relation), lfirst_int(cell) - 1);
    if (find_column_type(attribute->atttypid) != nullptr) return true;
  }
  return false;
}

// Whoever may not read the server's files is refused by PostgreSQL's own COPY.
bool may_read_source(const CopyStmt* statement) {
  if (statement->filename == nullptr) return true;
  return has_privs_of_role(GetUserId(), statement->is_program ? ROLE_PG_EXECUTE_SERVER_PROGRAM
                                                              : ROLE_PG_READ_SERVER_FILES);
}

bool is_plain_table(Relation relation) {
  char kind = relation->rd_rel->relkind;
  return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
}

// As DoCopy() does: INSERT on the columns.
void check_privileges(ParseState* state, ParseNamespaceItem* item, List* attributes) {
#if PG_VERSION_NUM >= 160000
  RTEPermissionInfo* permissions = item->p_perminfo;
  Bitmapset*& columns = permissions->insertedCols;
  permissions->requiredPerms = ACL_INSERT;
#else
  Bitmapset*& columns = item->p_rte->insertedCols;
  item->p_rte->requiredPerms = ACL_INSERT;
#endif
  ListCell* cell;
  foreach (cell, attributes)
    columns = bms_add_member(columns, lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
#if PG_VERSION_NUM >= 160000
  ExecCheckPermissions(state->p_rtable, list_make1(permissions), true);
#else
  ExecCheckRTPerms(state->p_rtable, true);
#endif
}

Node* where_clause(ParseState* state, ParseNamespaceItem* item, Node* clause) {
  if (clause == nullptr) return nullptr;
  addNSItemToQuery(state, item, false, true, true);
  clause = transformExpr(state, clause, EXPR_KIND_COPY_WHERE);
  clause = coerce_to_boolean(state, clause, "WHERE");
  assign_expr_collations(state, clause);
  clause = rewritten(clause);
  clause = eval_const_expressions(nullptr, clause);
  clause = reinterpret_cast<Node*>(canonicalize_qual(reinterpret_cast<Expr*>(clause), false));
  return reinterpret_cast<Node*>(make_ands_implicit(reinterpret_cast<Expr*>(clause)));
}

}  // namespace

// Without a lock: COPY takes its own, and what is asked is no more than what errors may say.
bool copies_into_encrypted(const Node* node) {
  if (!IsA(node, CopyStmt)) return false;
  auto* statement = reinterpret_cast<const CopyStmt*>(node);
  if (!is_from_into_table(statement)) return false;
  Oid table = RangeVarGetRelid(statement->relation, NoLock, true);
  if (!OidIsValid(table)) return false;
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return false;
  const AttrNumber count = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relnatts;
  ReleaseSysCache(tuple);
  for (AttrNumber number = 1; number <= count; ++number)
    if (find_column_type(get_atttype(table, number)) != nullptr) return true;
  return false;
}

bool copy_from_in_batches(PlannedStmt* planned, const char* text, QueryCompletion* completion) {
  if (!IsA(planned->utilityStmt, CopyStmt)) return false;
  auto* statement = reinterpret_cast<CopyStmt*>(planned->utilityStmt);
  if (!is_from_into_table(statement)) return false;
  if (!is_by_lines(statement) || !may_read_source(statement)) return false;
  Relation relation = table_openrv(statement->relation, RowExclusiveLock);
  List* attributes = CopyGetAttnums(RelationGetDescr(relation), relation, statement->attlist);
  // PostgreSQL refuses what looks at columns that are not computed yet.
  const TupleConstr* constraints = RelationGetDescr(relation)->constr;
  bool computes = constraints != nullptr && constraints->has_generated_stored;
  bool ours = is_plain_table(relation) && has_encrypted(relation, attributes) &&
              (statement->whereClause == nullptr || !computes) &&
              check_enable_rls(RelationGetRelid(relation), InvalidOid, false) != RLS_ENABLED;
  if (!ours) {
    table_close(relation, NoLock);
    return false;
  }
  ParseState* state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  ParseNamespaceItem* item =
      addRangeTableEntryForRelation(state, relation, RowExclusiveLock, nullptr, false, false);
  check_privileges(state, item, attributes);
  if (XactReadOnly && !relation->rd_islocaltemp) PreventCommandIfReadOnly("COPY FROM");
  Node* where = where_clause(state, item, statement->whereClause);
  uint64 rows = copy_into(relation, state, statement, where);
  table_close(relation, NoLock);
  free_parsestate(state);
  if (completion != nullptr) SetQueryCompletion(completion, CMDTAG_COPY, rows);
  return true;
}

}  // namespace nae::columns
