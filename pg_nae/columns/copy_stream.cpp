#include "pg_nae/columns/copy_stream.hpp"

#include <algorithm>

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/copy_lines.hpp"
#include "pg_nae/columns/known_codes.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::columns {
namespace {

bool is_csv(const CopyFormatOptions& options) {
#if PG_VERSION_NUM >= 190000
  return options.format == COPY_FORMAT_CSV;
#else
  return options.csv_mode;
#endif
}

// The codes of a column with a blind index, by its place in the lines.
struct CopyCodes {
  std::size_t column_number;
  KnownCodes codes;
  CopyCodes* next;
};

// One COPY: lines of one half are written out while those of the other are encrypted.
struct CopyStream {
  CopyFromState source;
  CopyLines halves[2];
  int current;
  bool ended;
  StringInfo text;
  int position;
  CopyCodes* codes;
  const char* relation;
};

// Of the innermost COPY: PostgreSQL's callback carries no state.
CopyStream* running = nullptr;

CopyColumn column_of(const CopyFromState source, int number) {
  auto* attribute = TupleDescAttr(RelationGetDescr(source->rel), number - 1);
  CopyColumn column{};
  column.name = NameStr(attribute->attname);
  const ColumnType* type = find_column_type(attribute->atttypid);
  int32 typmod = attribute->atttypmod;
  getBaseTypeAndTypmod(attribute->atttypid, &typmod);
  if (type != nullptr && typmod >= 0) {
    column.key = &column_key(typmod);
    column.type = type->plain;
    column.deterministic = type->deterministic;
    column.input = &source->in_functions[number - 1];
    column.input_parameter = source->typioparams[number - 1];
  }
  if (is_csv(source->opts)) {
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

// The line and column that were read, not those that are written; and no word of what they say.
struct Reading {
  const CopyStream* copy;
  const CopyLines* lines;
  ErrorContextCallback callback;
};

void say_where(void* state) {
  const auto& reading = *static_cast<const Reading*>(state);
  uint64 line = reading.lines->line();
  if (line == 0) line = reading.copy->source->cur_lineno;
  const auto number = static_cast<unsigned long long>(line);
  if (const char* column = reading.lines->column())
    errcontext("COPY %s, line %llu, column %s", reading.copy->relation, number, column);
  else
    errcontext("COPY %s, line %llu", reading.copy->relation, number);
}

// In the place of the callback of the COPY that writes, which would count its own lines.
ErrorContextCallback* begin_reading(Reading& reading) {
  ErrorContextCallback* writing = error_context_stack;
  reading.callback = {writing == nullptr ? nullptr : writing->previous, say_where, &reading};
  error_context_stack = &reading.callback;
  return writing;
}

void read_half(CopyStream& copy, CopyLines& half) {
  Reading reading{&copy, &half, {}};
  ErrorContextCallback* writing = begin_reading(reading);
  copy.ended = !half.read(copy.source);
  error_context_stack = writing;
}

StringInfo finish_half(CopyStream& copy, CopyLines& half) {
  Reading reading{&copy, &half, {}};
  ErrorContextCallback* writing = begin_reading(reading);
  StringInfo text = half.finish();
  pg::Traffic traffic;
  for (CopyCodes* one = copy.codes; one != nullptr; one = one->next)
    one->codes.ask(half.values_of(one->column_number), traffic);
  error_context_stack = writing;
  return text;
}

// The next text; nullptr when there is none.
StringInfo next_text(CopyStream& copy) {
  CopyLines& next = copy.halves[1 - copy.current];
  if (next.count() == 0) {
    if (copy.ended) return nullptr;
    read_half(copy, next);
    if (next.count() == 0) return nullptr;
  }
  StringInfo text = finish_half(copy, next);
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
  CopyStream& copy = *running;
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
  const bool is_null = PG_ARGISNULL(0);
  const CopyLines& lines = running->halves[running->current];
  Datum value = is_null ? Datum{0} : lines.value(std::strtoul(PG_GETARG_CSTRING(0), nullptr, 10));
  // A domain's input function, in whose place this one is, looks at the domain's constraints.
  Oid type = PG_GETARG_OID(1);
  if (get_typtype(type) == TYPTYPE_DOMAIN)
    domain_check(value, is_null, type, &fcinfo->flinfo->fn_extra, fcinfo->flinfo->fn_mcxt);
  fcinfo->isnull = is_null;
  return value;
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

CopyCodes* codes_for(const CopyFromState source, const pg::StatementRoles& roles) {
  CopyCodes* all = nullptr;
  ListCell *cell, *number;
  foreach (cell, codings_of(source->rel)) {
    const auto* coding = static_cast<const Coding*>(lfirst(cell));
    foreach (number, source->attnumlist) {
      if (lfirst_int(number) != coding->column) continue;
      auto* added = static_cast<CopyCodes*>(palloc0(sizeof(CopyCodes)));
      added->column_number = static_cast<std::size_t>(foreach_current_index(number));
      added->codes.create(*coding, roles);
      added->next = all;
      all = added;
    }
  }
  return all;
}

uint64 run(CopyStream& copy, CopyFromState target) {
  volatile uint64 rows = 0;
  CopyStream* outer = running;
  running = &copy;
  PG_TRY();
  { rows = CopyFrom(target); }
  PG_FINALLY();
  { running = outer; }
  PG_END_TRY();
  return rows;
}

}  // namespace

uint64 copy_into(Relation relation, ParseState* state, const CopyStmt* statement, Node* where) {
  auto* copy = static_cast<CopyStream*>(palloc0(sizeof(CopyStream)));
  copy->relation = RelationGetRelationName(relation);
  copy->source = BeginCopyFrom(state, relation, nullptr, statement->filename, statement->is_program,
                               nullptr, statement->attlist, statement->options);
  pg::StatementRoles roles = pg::current_roles();
  CopyShape shape = shape_of(copy->source);
  for (CopyLines& half : copy->halves) half.create(shape, roles);
  if (pg::settings.batch) copy->codes = codes_for(copy->source, roles);
  CopyFromState target = BeginCopyFrom(state, relation, where, nullptr, false, give_text,
                                       statement->attlist, writing_options(statement));
  read_numbers(target, shape);
  if (copy->source->opts.header_line) target->cur_lineno = 1;
  uint64 rows = run(*copy, target);
  EndCopyFrom(target);
  EndCopyFrom(copy->source);
  return rows;
}

}  // namespace nae::columns
