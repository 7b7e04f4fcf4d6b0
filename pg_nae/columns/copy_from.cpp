#include "pg_nae/columns/copy_from.hpp"

#include <algorithm>

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/copy_lines.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

// One COPY: lines of one half are written out while those of the other are encrypted.
struct Copy {
  CopyFromState source;
  CopyLines halves[2];
  int current;
  bool ended;
  StringInfo text;
  int position;
  const char* relation;
};

// Of the innermost COPY: PostgreSQL's callback carries no state.
Copy* running = nullptr;

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

bool has_encrypted(Relation relation, List* attributes) {
  ListCell* cell;
  foreach (cell, attributes) {
    auto* attribute = TupleDescAttr(RelationGetDescr(relation), lfirst_int(cell) - 1);
    if (attribute->atttypmod >= 0 && find_column_type(attribute->atttypid) != nullptr) return true;
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
  clause = eval_const_expressions(nullptr, clause);
  clause = reinterpret_cast<Node*>(canonicalize_qual(reinterpret_cast<Expr*>(clause), false));
  return reinterpret_cast<Node*>(make_ands_implicit(reinterpret_cast<Expr*>(clause)));
}

CopyColumn column_of(const CopyFromState source, int number) {
  auto* attribute = TupleDescAttr(RelationGetDescr(source->rel), number - 1);
  CopyColumn column{};
  const ColumnType* type = find_column_type(attribute->atttypid);
  // A domain's constraints are its own input function's to check.
  if (type != nullptr && type->type == attribute->atttypid && attribute->atttypmod >= 0) {
    column.key = &column_key(attribute->atttypmod);
    column.type = type->plain;
    column.deterministic = type->deterministic;
    column.input = &source->in_functions[number - 1];
    column.input_parameter = source->typioparams[number - 1];
  }
  if (source->opts.csv_mode) {
    column.force_null = source->opts.force_null_flags[number - 1];
    column.force_not_null = source->opts.force_notnull_flags[number - 1];
  }
  return column;
}

CopyShape shape_of(const CopyFromState source) {
  auto count = static_cast<std::size_t>(list_length(source->attnumlist));
  auto* columns = static_cast<CopyColumn*>(palloc(sizeof(CopyColumn) * (count + 1)));
  for (std::size_t i = 0; i < count; ++i)
    columns[i] = column_of(source, list_nth_int(source->attnumlist, static_cast<int>(i)));
  return {columns, count, source->opts.null_print};
}

// The line that was read, not the one that is written: and no word of what it says.
void say_where(void* state) {
  const auto& copy = *static_cast<Copy*>(state);
  errcontext("COPY %s, line %llu", copy.relation,
             static_cast<unsigned long long>(copy.source->cur_lineno));
}

void read_half(Copy& copy, CopyLines& half) {
  // In the place of the callback of the COPY that writes, which would count its own lines.
  ErrorContextCallback* writing = error_context_stack;
  ErrorContextCallback reading{writing == nullptr ? nullptr : writing->previous, say_where, &copy};
  error_context_stack = &reading;
  copy.ended = !half.read(copy.source);
  error_context_stack = writing;
}

// The next text; nullptr when there is none.
StringInfo next_text(Copy& copy) {
  CopyLines& next = copy.halves[1 - copy.current];
  if (next.count() == 0) {
    if (copy.ended) return nullptr;
    read_half(copy, next);
    if (next.count() == 0) return nullptr;
  }
  StringInfo text = next.finish();
  copy.current = 1 - copy.current;
  CopyLines& other = copy.halves[1 - copy.current];
  other.forget();
  if (!copy.ended) {
    read_half(copy, other);
    other.begin_ahead();
  }
  return text;
}

int give_text(void* buffer, int, int most) {
  Copy& copy = *running;
  if (copy.text == nullptr || copy.position == copy.text->len) {
    copy.text = next_text(copy);
    copy.position = 0;
    if (copy.text == nullptr) return 0;
  }
  int size = std::min(most, copy.text->len - copy.position);
  std::memcpy(buffer, copy.text->data + copy.position, static_cast<std::size_t>(size));
  copy.position += size;
  return size;
}

// The input function of encrypted columns, for the COPY that writes: fields are numbers of values.
// All lines of a text are read before the next text is asked for, so they are those of this half.
Datum value_of_number(FunctionCallInfo fcinfo) {
  const char* number = PG_GETARG_CSTRING(0);
  return running->halves[running->current].value(std::strtoul(number, nullptr, 10));
}

void read_numbers(CopyFromState target, const CopyShape& shape) {
  for (std::size_t i = 0; i < shape.column_count; ++i)
    if (shape.columns[i].key != nullptr)
      target->in_functions[list_nth_int(target->attnumlist, static_cast<int>(i)) - 1].fn_addr =
          value_of_number;
}

// Text as CopyLines writes it, in the database's encoding; of the statement's own options only
// what concerns the table.
List* writing_options(const CopyStmt* statement) {
  auto* encoding = makeString(pstrdup(GetDatabaseEncodingName()));
  List* options =
      list_make1(makeDefElem(const_cast<char*>("encoding"), reinterpret_cast<Node*>(encoding), -1));
  ListCell* cell;
  foreach (cell, statement->options) {
    auto* option = lfirst_node(DefElem, cell);
    if (std::strcmp(option->defname, "freeze") == 0) options = lappend(options, option);
  }
  return options;
}

uint64 run(Copy& copy, CopyFromState target) {
  volatile uint64 rows = 0;
  Copy* outer = running;
  running = &copy;
  PG_TRY();
  { rows = CopyFrom(target); }
  PG_FINALLY();
  { running = outer; }
  PG_END_TRY();
  return rows;
}

uint64 copy_into(Relation relation, ParseState* state, const CopyStmt* statement, Node* where) {
  auto* copy = static_cast<Copy*>(palloc0(sizeof(Copy)));
  copy->relation = RelationGetRelationName(relation);
  copy->source = BeginCopyFrom(state, relation, nullptr, statement->filename, statement->is_program,
                               nullptr, statement->attlist, statement->options);
  pg::StatementRoles roles = pg::current_roles();
  CopyShape shape = shape_of(copy->source);
  for (CopyLines& half : copy->halves) half.create(shape, roles);
  CopyFromState target = BeginCopyFrom(state, relation, where, nullptr, false, give_text,
                                       statement->attlist, writing_options(statement));
  read_numbers(target, shape);
  if (copy->source->opts.header_line) target->cur_lineno = 1;
  uint64 rows = run(*copy, target);
  EndCopyFrom(target);
  EndCopyFrom(copy->source);
  return rows;
}

}  // namespace

bool copy_from_in_batches(PlannedStmt* planned, const char* text, QueryCompletion* completion) {
  if (!IsA(planned->utilityStmt, CopyStmt) || !pg::settings.batch) return false;
  auto* statement = reinterpret_cast<CopyStmt*>(planned->utilityStmt);
  if (!statement->is_from || statement->relation == nullptr || !has_column_types()) return false;
  if (!is_by_lines(statement) || !may_read_source(statement)) return false;
  Relation relation = table_openrv(statement->relation, RowExclusiveLock);
  List* attributes = CopyGetAttnums(RelationGetDescr(relation), relation, statement->attlist);
  bool ours = is_plain_table(relation) && has_encrypted(relation, attributes) &&
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
