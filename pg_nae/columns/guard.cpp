// nae_internal.guard(): the event trigger that looks at each table, type, trigger, function and
// statistics that a command has made or changed; nae_internal.guard_drops(): that of dropped ones.
// It reads what PostgreSQL knows of a relation anyway; only where there are encrypted columns does
// it run SQL (install/0.2.0/guard.sql), under settings of its own.
#include <algorithm>

#include "pg_nae/columns/ciphertext_check.hpp"
#include "pg_nae/columns/column_key.hpp"
#include "pg_nae/columns/key_ids.hpp"
#include "pg_nae/columns/refusals.hpp"
#include "pg_nae/pg/extension.hpp"
#include "pg_nae/pg/nodes.hpp"
#include "pg_nae/pg/own_settings.hpp"

// Here alone: what a command has done.
extern "C" {
#include "catalog/index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
}

namespace nae::columns {
namespace {

// What a function of ours answers about an OID: statements, or nothing. As the extension's owner:
// these functions read catalogs, and nobody else may call them.
List* asked(const char* statement, Oid object) {
  MemoryContext caller = CurrentMemoryContext;
  Oid user;
  int security;
  GetUserIdAndSecContext(&user, &security);
  SetUserIdAndSecContext(pg::extension_owner(), security | SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Oid type = OIDOID;
  Datum value = ObjectIdGetDatum(object);
  SPI_execute_with_args(statement, 1, &type, &value, nullptr, false, 0);
  List* statements = NIL;
  for (uint64 i = 0; i < SPI_processed; ++i) {
    char* text = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
    if (text == nullptr || *text == '\0') continue;  // void is an empty text
    MemoryContext before = MemoryContextSwitchTo(caller);
    statements = lappend(statements, pstrdup(text));
    MemoryContextSwitchTo(before);
  }
  SPI_finish();
  SetUserIdAndSecContext(user, security);
  return statements;
}

// The statements are executed in the name of whoever changes the schema.
void ask(const char* statement, Oid object) {
  pg::use_own_settings();
  List* statements = asked(statement, object);
  SPI_connect();
  ListCell* cell;
  foreach (cell, statements) SPI_execute(static_cast<char*>(lfirst(cell)), false, 0);
  SPI_finish();
}

// Every column with its key, and none with encrypted values inside other values. `declares`: a key
// that is not there is worth a NOTICE.
bool check_columns(Relation table, bool declares) {
  bool encrypted = false;
  List* kept = NIL;
  TupleDesc row = RelationGetDescr(table);
  for (int i = 0; i < row->natts; ++i) {
    Form_pg_attribute column = TupleDescAttr(row, i);
    if (column->attisdropped || column->atttypid < FirstNormalObjectId) continue;
    int32 typmod = column->atttypmod;
    check_column(NameStr(column->attname), column->atttypid, typmod, RelationGetRelid(table));
    if (find_column_type(column->atttypid) == nullptr) continue;
    encrypted = true;
    getBaseTypeAndTypmod(column->atttypid, &typmod);
    if (list_member_int(kept, typmod)) continue;
    keep_column_key(typmod);
    if (declares) notice_missing_key(column_key(typmod));
    kept = lappend_int(kept, typmod);
  }
  return encrypted;
}

// What is to be done when the table is closed again: ALTER TABLE wants it for itself.
struct Work {
  Checks checks;
  bool encrypted;
  bool queried;  // foreign keys, and what keeps other columns in step, are triggers
  bool checked;  // has CHECKs of its own
};

Work look_at(Relation table, bool declares) {
  const char kind = table->rd_rel->relkind;
  Work work{};
  work.checks = read_checks(table);
  work.encrypted = check_columns(table, declares);
  work.queried = table->rd_rel->relhastriggers || kind == RELKIND_PARTITIONED_TABLE;
  work.checked = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
  ListCell* cell;
  if (work.encrypted)
    foreach (cell, RelationGetIndexList(table)) check_index(lfirst_oid(cell));
  return work;
}

// What kind of command it is that is looked at.
struct Command {
  const Node* statement;
  bool declares;  // names keys
};

// Each subcommand of ALTER TABLE.
template <typename Does>
bool any_subcommand(const Node* statement, Does does) {
  if (!IsA(statement, AlterTableStmt)) return false;
  ListCell* cell;
  foreach (cell, reinterpret_cast<const AlterTableStmt*>(statement)->cmds)
    if (does(*lfirst_node(AlterTableCmd, cell))) return true;
  return false;
}

// Others leave the triggers of a table as they are; one that is made is looked at by itself.
bool may_bring_triggers(const Node* statement) {
  return any_subcommand(statement, [](const AlterTableCmd& command) {
    switch (command.subtype) {
      case AT_EnableTrig:
      case AT_EnableAlwaysTrig:
      case AT_EnableReplicaTrig:
      case AT_EnableTrigAll:
      case AT_EnableTrigUser:
      case AT_AttachPartition:
        return true;
      default:
        return false;
    }
  });
}

void guard_table(Oid table, const Work& work, const Command& command) {
  if (work.checks.idle) ask("SELECT nae_internal.drop_idle_checks($1)", table);
  if (!work.encrypted) return;
  if (work.checks.misled) ask("SELECT nae_internal.refuse_checks($1)", table);
  if (work.queried) ask("SELECT nae_internal.guard_table($1)", table);
  if (work.queried && may_bring_triggers(command.statement))
    ask("SELECT nae_internal.refuse_late_triggers_of_searched($1)", table);
  if (work.checked) add_ciphertext_checks(table, work.checks.checked);
}

void guard_relation(Oid oid, const Command& command) {
  Relation relation = try_relation_open(oid, AccessShareLock);
  if (relation == nullptr) return;
  const char kind = relation->rd_rel->relkind;
  Oid row_type = relation->rd_rel->reltype;
  Work work{};
  if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW ||
      kind == RELKIND_FOREIGN_TABLE)
    work = look_at(relation, command.declares);
  relation_close(relation, NoLock);
  // How ALTER TYPE reports a composite type.
  if (kind == RELKIND_COMPOSITE_TYPE && contains_column_type(row_type))
    ask("SELECT nae_internal.guard_type($1)", row_type);
  guard_table(oid, work, command);
}

struct Object {
  Oid catalog;
  Oid oid;
  auto operator<=>(const Object&) const = default;
};

// An index says that its table is to be looked at.
Object guarded(Oid catalog, Oid object) {
  if (catalog != RelationRelationId) return {catalog, object};
  char kind = get_rel_relkind(object);
  bool is_index = kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX;
  return {catalog, is_index ? IndexGetRelation(object, false) : object};
}

void guard_object(const Object& object, const Command& command) {
  switch (object.catalog) {
    case RelationRelationId:
      return guard_relation(object.oid, command);
    case TypeRelationId:
      if (contains_column_type(object.oid)) ask("SELECT nae_internal.guard_type($1)", object.oid);
      return;
    case TriggerRelationId:
      ask("SELECT nae_internal.guard_trigger($1)", object.oid);
      return ask("SELECT nae_internal.guard_searched_trigger($1)", object.oid);
    case StatisticExtRelationId:
      return ask("SELECT nae_internal.guard_statistics($1)", object.oid);
    default:
      return;
  }
}

// The table that a command attaches as a partition, by its name as it was written; nullptr: none. A
// name alone, for its search path is not the guard's.
const char* attached_by(const Node* statement) {
  const char* name = nullptr;
  any_subcommand(statement, [&](const AlterTableCmd& command) {
    if (command.subtype == AT_AttachPartition)
      name = castNode(PartitionCmd, command.def)->name->relname;
    return name != nullptr;
  });
  return name;
}

void guard_attached(const Node* statement, Oid table) {
  if (const char* attached = attached_by(statement))
    ask(psprintf("SELECT nae_internal.refuse_attached($1, %s)", quote_literal_cstr(attached)),
        table);
}

bool calls_has_codes(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, FuncCall) &&
      std::strcmp(strVal(llast(reinterpret_cast<FuncCall*>(node)->funcname)), "has_codes") == 0)
    return true;
  return pg::walk_raw(node, calls_has_codes, state);
}

bool is_codes_check(Node* node) {
  if (!IsA(node, Constraint)) return false;
  const auto* constraint = reinterpret_cast<Constraint*>(node);
  return constraint->contype == CONSTR_CHECK && !constraint->skip_validation &&
         calls_has_codes(constraint->raw_expr, nullptr);
}

bool adds_codes_check(const AlterTableCmd* command) {
  if (command->subtype == AT_AddConstraint) return is_codes_check(command->def);
  if (command->subtype != AT_AddColumn) return false;
  ListCell* cell;
  foreach (cell, castNode(ColumnDef, command->def)->constraints)
    if (is_codes_check(static_cast<Node*>(lfirst(cell)))) return true;
  return false;
}

// By hand a table gets no CHECK that says that its search index is complete.
void guard_codes_checks(const Node* statement, Oid table) {
  any_subcommand(statement, [&](const AlterTableCmd& command) {
    if (adds_codes_check(&command)) ask("SELECT nae_internal.refuse_made_check($1)", table);
    if (command.subtype == AT_ValidateConstraint)
      ask(psprintf("SELECT nae_internal.refuse_validated_check($1, %s)",
                   quote_literal_cstr(command.name)),
          table);
    return false;
  });
}

// What keeps the codes of a search index may have been replaced by something else, or renamed.
void guard_replaced(const Node* statement, const Object& object) {
  if (IsA(statement, RenameStmt) && object.catalog == TriggerRelationId)
    ask("SELECT nae_internal.refuse_renamed_trigger($1)", object.oid);
  if (IsA(statement, CreateTrigStmt) && object.catalog == TriggerRelationId &&
      reinterpret_cast<const CreateTrigStmt*>(statement)->replace)
    ask("SELECT nae_internal.replaced_trigger($1)", object.oid);
  if (IsA(statement, CreateFunctionStmt) && object.catalog == ProcedureRelationId &&
      reinterpret_cast<const CreateFunctionStmt*>(statement)->replace)
    ask("SELECT nae_internal.replaced_function($1)", object.oid);
}

// Commands that name keys; others only touch tables that have named them.
bool may_declare(FunctionCallInfo fcinfo) {
  const CommandTag tag = reinterpret_cast<EventTriggerData*>(fcinfo->context)->tag;
  return tag == CMDTAG_CREATE_TABLE || tag == CMDTAG_ALTER_TABLE ||
         tag == CMDTAG_CREATE_FOREIGN_TABLE || tag == CMDTAG_ALTER_FOREIGN_TABLE;
}

// pg_event_trigger_ddl_commands(), without a query around it that the session's settings would
// plan.
ReturnSetInfo* ddl_commands() {
  FmgrInfo function;
  fmgr_info(F_PG_EVENT_TRIGGER_DDL_COMMANDS, &function);
  ReturnSetInfo* result = makeNode(ReturnSetInfo);
  result->econtext = CreateStandaloneExprContext();
  result->allowedModes = SFRM_Materialize;
  result->returnMode = SFRM_ValuePerCall;
  LOCAL_FCINFO(call, 0);
  InitFunctionCallInfoData(*call, &function, 0, InvalidOid, nullptr,
                           reinterpret_cast<Node*>(result));
  FunctionCallInvoke(call);
  return result;
}

// Each once, in `objects` of the current memory context.
std::span<Object> changed_objects() {
  ReturnSetInfo* commands = ddl_commands();
  auto count = static_cast<std::size_t>(tuplestore_tuple_count(commands->setResult));
  auto* objects = static_cast<Object*>(palloc(sizeof(Object) * (count + 1)));
  TupleTableSlot* row = MakeSingleTupleTableSlot(commands->setDesc, &TTSOpsMinimalTuple);
  std::size_t filled = 0;
  bool is_null;
  while (tuplestore_gettupleslot(commands->setResult, true, false, row)) {
    Oid catalog = DatumGetObjectId(slot_getattr(row, 1, &is_null));
    objects[filled++] = guarded(catalog, DatumGetObjectId(slot_getattr(row, 2, &is_null)));
  }
  ExecDropSingleTupleTableSlot(row);
  std::sort(objects, objects + filled);
  return {objects, std::unique(objects, objects + filled)};
}

}  // namespace
}  // namespace nae::columns

NAE_FUNCTION(nae_guard) {
  using namespace nae::columns;
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) elog(ERROR, "nae_internal.guard() is for an event trigger");
  if (!has_column_types()) PG_RETURN_NULL();
  const Node* statement = reinterpret_cast<EventTriggerData*>(fcinfo->context)->parsetree;
  const Command command{statement, may_declare(fcinfo)};
  for (const Object& object : changed_objects()) {
    guard_object(object, command);
    guard_replaced(statement, object);
    if (object.catalog != RelationRelationId) continue;
    guard_codes_checks(statement, object.oid);
    guard_attached(statement, object.oid);
  }
  PG_RETURN_NULL();
}

NAE_FUNCTION(nae_guard_drops) {
  using namespace nae::columns;
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
    elog(ERROR, "nae_internal.guard_drops() is for an event trigger");
  if (has_column_types()) ask("SELECT nae_internal.dropped_searches()", InvalidOid);
  PG_RETURN_NULL();
}
