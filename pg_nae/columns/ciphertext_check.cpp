#include "pg_nae/columns/ciphertext_check.hpp"

#include "pg_nae/columns/refusals.hpp"
#include "pg_nae/columns/unplanned.hpp"
#include "pg_nae/pg/extension.hpp"

// Here alone: how PostgreSQL itself adds constraints.
extern "C" {
#include "catalog/heap.h"
#include "catalog/pg_constraint.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
}

namespace nae::columns {
namespace {

constexpr char kPredicate[] = "is_ciphertext";
constexpr char kSuffix[] = "_is_ciphertext";

// State: whether nae.is_ciphertext() is called, and for a column that is plain.
struct Called {
  bool any = false;
  bool idle = false;
};

bool find_call(Node* node, void* state) {
  if (node == nullptr) return false;
  if (auto* call = reinterpret_cast<FuncExpr*>(node);
      IsA(node, FuncExpr) && is_column_function(call->funcid) &&
      std::strcmp(get_func_name(call->funcid), kPredicate) == 0) {
    auto& called = *static_cast<Called*>(state);
    called.any = true;
    called.idle = find_column_type(exprType(static_cast<Node*>(linitial(call->args)))) == nullptr;
  }
  return pg::walk_children(node, find_call, state);
}

// A name that the column's CHECK can have, as nae_internal.derived_name() makes it: two long names
// of columns do not become one.
char* derived_name(const char* column, const char* suffix) {
  char* whole = psprintf("%s%s", column, suffix);
  if (std::strlen(whole) < NAMEDATALEN) return whole;
  Datum name = CStringGetTextDatum(column);
  char* first = TextDatumGetCString(DirectFunctionCall2(text_left, name, Int32GetDatum(8)));
  char* digest = TextDatumGetCString(DirectFunctionCall1(md5_text, name));
  return psprintf("%s_%.8s%s", first, digest, suffix);
}

// Not named after the table: a table attached as a partition needs its parent's constraints by
// name. Taken may one be by a constraint whose column was renamed, say.
char* free_name(Oid table, const char* column) {
  char* name = derived_name(column, kSuffix);
  for (int taken = 1; ConstraintNameIsUsed(CONSTRAINT_RELATION, table, name); ++taken)
    name = derived_name(column, psprintf("%s%d", kSuffix, taken));
  return name;
}

// Nothing is stored in it, nothing inherits from it, and nobody else sees it meanwhile.
bool is_bare(Relation table) {
  if (table->rd_rel->relhassubclass || !CheckRelationLockedByMe(table, AccessExclusiveLock, true))
    return false;
  return table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
         RelationGetNumberOfBlocks(table) == 0;
}

const char* command_for(Relation table, List* checks) {
  StringInfoData command;
  initStringInfo(&command);
  appendStringInfo(&command, "ALTER TABLE %s", shown(RelationGetRelid(table)));
  ListCell* cell;
  foreach (cell, checks) {
    auto* check = lfirst_node(Constraint, cell);
    auto* call = castNode(FuncCall, check->raw_expr);
    auto* column = castNode(ColumnRef, linitial(call->args));
    appendStringInfo(&command, "%s ADD CONSTRAINT %s CHECK (%s(%s))",
                     foreach_current_index(cell) == 0 ? "" : ",", quote_identifier(check->conname),
                     NameListToQuotedString(call->funcname),
                     quote_identifier(strVal(linitial(column->fields))));
  }
  return command.data;
}

List* missing_checks(Relation table, const Bitmapset* checked) {
  List* missing = NIL;
  TupleDesc row = RelationGetDescr(table);
  for (int i = 0; i < row->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(row, i);
    if (column->attisdropped || find_column_type(column->atttypid) == nullptr ||
        bms_is_member(column->attnum - FirstLowInvalidHeapAttributeNumber, checked))
      continue;
    missing = lappend(missing, ciphertext_check(RelationGetRelid(table), NameStr(column->attname)));
  }
  return missing;
}

}  // namespace

Constraint* ciphertext_check(Oid table, const char* column) {
  ColumnRef* reference = makeNode(ColumnRef);
  reference->fields = list_make1(makeString(pstrdup(column)));
  reference->location = -1;
  List* function = list_make2(makeString(get_namespace_name(pg::column_schema())),
                              makeString(pstrdup(kPredicate)));
  Constraint* check = makeNode(Constraint);
  check->contype = CONSTR_CHECK;
  check->conname = free_name(table, column);
  check->location = -1;
  check->raw_expr = reinterpret_cast<Node*>(
      makeFuncCall(function, list_make1(reference), COERCE_EXPLICIT_CALL, -1));
  check->initially_valid = true;
#if PG_VERSION_NUM >= 180000
  check->is_enforced = true;
#endif
  return check;
}

Checks read_checks(Relation table) {
  Checks checks{};
  const TupleConstr* constraints = RelationGetDescr(table)->constr;
  for (int i = 0; constraints != nullptr && i < constraints->num_check; ++i) {
    auto* expression = static_cast<Node*>(stringToNode(constraints->check[i].ccbin));
    Called called;
    find_call(expression, &called);
    checks.idle = checks.idle || called.idle;
    if (called.any) pull_varattnos(expression, 1, &checks.checked);
    checks.misled = checks.misled || reads_ciphertext(expression);
  }
  return checks;
}

void add_ciphertext_checks(Oid oid, const Bitmapset* checked) {
  Relation table = relation_open(oid, NoLock);
  List* missing = missing_checks(table, checked);
  const char* command = nullptr;
  if (missing != NIL && is_bare(table))
    // ALTER TABLE would read the catalogs once for each constraint that it adds: of a table of nine
    // hundred columns that takes a second.
    AddRelationNewConstraints(table, NIL, missing, false, true, false, nullptr);
  else if (missing != NIL)
    command = command_for(table, missing);
  relation_close(table, NoLock);
  if (command == nullptr) return;
  SPI_connect();
  SPI_execute(command, false, 0);
  SPI_finish();
}

}  // namespace nae::columns
