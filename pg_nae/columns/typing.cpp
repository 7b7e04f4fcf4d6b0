#include "pg_nae/columns/typing.hpp"

#include "pg_nae/columns/typing_level.hpp"
#include "pg_nae/columns/value.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

enum class Typing {
  reference,
  constant,
  parameter,
  call,
  comparison,
  aggregate,
  window_call,
  row,
  relabelled,
  converted,
  handed_on,
  sub_select,
  looked_at,
  plaintext,
  structure,
};

// A kind that is in no table is refused like one that holds no encrypted value.
constexpr Typing typing_of(NodeTag kind) {
  switch (kind) {
#define NODE_KIND(name, typing) \
  case T_##name:                \
    return Typing::typing;
#define NO_NODE_KIND(name)
#include "pg_nae/node_kinds/typing.def"
#undef NODE_KIND
#undef NO_NODE_KIND
    // Of parsenodes.h, where they are parts of a query.
    case T_List:
    case T_RangeTblEntry:
    case T_RangeTblFunction:
    case T_TableSampleClause:
    case T_SortGroupClause:
    case T_GroupingSet:
    case T_WindowClause:
    case T_CommonTableExpr:
    case T_SetOperationStmt:
    case T_WithCheckOption:
    case T_IntList:
    case T_OidList:
#if PG_VERSION_NUM < 170000
    case T_MergeAction:
#endif
      return Typing::structure;
    default:
      return Typing::plaintext;
  }
}

// Of the nodes that have a type.
bool holds(Node* node) {
  return node != nullptr && !IsA(node, List) && holds_encrypted(exprType(node));
}

bool child_holds_walker(Node* node, void*) {
  if (node == nullptr || IsA(node, Query)) return false;
  switch (nodeTag(node)) {
    case T_List:
    case T_CaseWhen:
    case T_TargetEntry:
      return pg::walk_children(node, child_holds_walker, nullptr);
    default:
      return typing_of(nodeTag(node)) != Typing::structure && holds(node);
  }
}

void check_plaintext(const TypingLevel& level, Node* node) {
  bool typed = !IsA(node, TableFunc) && typing_of(nodeTag(node)) == Typing::plaintext;
  if ((typed && holds(node)) || pg::walk_children(node, child_holds_walker, nullptr))
    refuse_typing(level, node, "an encrypted value is used where only a plaintext can be");
}

void check_constant(const TypingLevel& level, const Const* constant) {
  const ColumnType* type = find_column_type(constant->consttype);
  if (type == nullptr || constant->constisnull) return;
  int32 typmod = constant->consttypmod;
  if (constant->constbyval || constant->constlen != -1 ||
      (typmod >= 0 && read_value(constant->constvalue).pending))
    refuse_typing(level, reinterpret_cast<const Node*>(constant),
                  "a plaintext constant stands for a ciphertext");
}

// Some ciphertext of a group has its argument's key, though an aggregate says none.
const Node* below_representative(const Node* argument) {
  if (!IsA(argument, Aggref)) return argument;
  auto* aggregate = reinterpret_cast<const Aggref*>(argument);
  return aggregate->aggfnoid == representative_aggregate() && aggregate->args != NIL
             ? reinterpret_cast<Node*>(linitial_node(TargetEntry, aggregate->args)->expr)
             : argument;
}

void check_relabelled(const TypingLevel& level, Node* node, const Node* argument) {
  const ColumnType* type = type_of(node);
  if (type == nullptr) return;
  const int32 typmod = typmod_below_domain(node);
  const Node* stored = below_representative(argument);
  if (type_of(stored) != type)
    refuse_typing(level, node, "a value is called one of an encrypted type");
  if (typmod >= 0 && typmod_below_domain(stored) != typmod && !is_null_constant(stored))
    refuse_typing(level, node, "a value is called one of another key");
}

void check_converted(const TypingLevel& level, Node* node, Node* argument) {
  if (holds(argument))
    refuse_typing(level, node, "a ciphertext would be converted to another type");
}

void check_row(const TypingLevel& level, RowExpr* row) {
  if (row->row_typeid == RECORDOID) return;
  TupleDesc columns = lookup_rowtype_tupdesc_copy(row->row_typeid, -1);
  int column = 0;
  ListCell* cell;
  foreach (cell, row->args) {
    auto* field = static_cast<Node*>(lfirst(cell));
    if (column >= columns->natts) break;
    auto* attribute = TupleDescAttr(columns, column++);
    if (attribute->attisdropped || is_null_constant(field)) continue;
    if (exprType(field) != attribute->atttypid ||
        (type_of(field) != nullptr && exprTypmod(field) != attribute->atttypmod))
      refuse_typing(level, reinterpret_cast<Node*>(row), "a field of a row is of another type");
  }
}

// SubLink's parameters stand for what the sub-select puts out.
bool output_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  if (IsA(node, Param) && reinterpret_cast<Param*>(node)->paramkind == PARAM_SUBLINK) {
    auto* parameter = reinterpret_cast<Param*>(node);
    const auto* targets = static_cast<const List*>(state);
    if (parameter->paramid < 1 || parameter->paramid > list_length(targets)) return true;
    auto* output = reinterpret_cast<Node*>(pg::target_at(targets, parameter->paramid)->expr);
    return exprType(output) != parameter->paramtype ||
           (type_of(output) != nullptr && exprTypmod(output) != parameter->paramtypmod);
  }
  return pg::walk_children(node, output_walker, state);
}

void check_sub_select(const TypingLevel& level, SubLink* sublink) {
  auto* query = castNode(Query, sublink->subselect);
  if (output_walker(sublink->testexpr, query->targetList))
    refuse_typing(level, reinterpret_cast<Node*>(sublink),
                  "a sub-select puts out values of another type");
}

// Of encrypted types PostgreSQL has no aggregates of its own.
bool is_stand_in(const Aggref* aggregate) {
  if (get_func_namespace(aggregate->aggfnoid) != PG_CATALOG_NAMESPACE) return false;
  Oid* parameters;
  int count;
  get_func_signature(aggregate->aggfnoid, &parameters, &count);
  return count > 0 && find_column_type(parameters[0]) != nullptr;
}

bool typing_walker(Node* node, void* state);

void check_query(Query* query, TypingLevel* outer, const char* text) {
  TypingLevel level{query, outer, text};
  check_keys(level);
  check_set_operation(level);
  check_written(level);
  pg::walk_query(query, typing_walker, &level, QTW_EXAMINE_RTES_BEFORE);
}

void check_node(const TypingLevel& level, Node* node, Typing typing) {
  switch (typing) {
    case Typing::comparison: {
      if (!IsA(node, ScalarArrayOpExpr)) {
        auto* operation = reinterpret_cast<OpExpr*>(node);
        return check_operator(level, node, operation->opno, operation->args);
      }
      auto* operation = reinterpret_cast<ScalarArrayOpExpr*>(node);
      return check_operator(level, node, operation->opno, operation->args);
    }
    case Typing::aggregate: {
      auto* aggregate = reinterpret_cast<Aggref*>(node);
      check_aggregate_keys(level, aggregate);
      if (is_stand_in(aggregate))
        refuse_typing(level, node, "an aggregate is resolved for an encrypted type");
      check_call(level, node, aggregate->aggfnoid,
                 list_concat_copy(aggregate->aggdirectargs, aggregate->args));
      return;
    }
    case Typing::window_call: {
      auto* call = reinterpret_cast<WindowFunc*>(node);
      return check_call(level, node, call->winfnoid, call->args);
    }
    case Typing::row:
      return check_row(level, reinterpret_cast<RowExpr*>(node));
    case Typing::relabelled:
      return check_relabelled(
          level, node,
          reinterpret_cast<Node*>(IsA(node, RelabelType)
                                      ? reinterpret_cast<RelabelType*>(node)->arg
                                      : reinterpret_cast<CoerceToDomain*>(node)->arg));
    case Typing::converted:
      return check_converted(
          level, node,
          reinterpret_cast<Node*>(IsA(node, CoerceViaIO)
                                      ? reinterpret_cast<CoerceViaIO*>(node)->arg
                                      : reinterpret_cast<ArrayCoerceExpr*>(node)->arg));
    case Typing::sub_select:
      return check_sub_select(level, reinterpret_cast<SubLink*>(node));
    case Typing::plaintext:
      return check_plaintext(level, node);
    case Typing::reference:
    case Typing::constant:
    case Typing::call:  // each is one kind, which is not checked here
      refuse_typing(level, node, "the kind of an expression is not known");
    case Typing::parameter:
    case Typing::handed_on:
    case Typing::looked_at:
    case Typing::structure:
      return;
  }
}

bool walk_other(Node* node, TypingLevel& level) {
  if (IsA(node, Query)) {
    check_query(reinterpret_cast<Query*>(node), &level, level.text);
    return false;
  }
  check_node(level, node, typing_of(nodeTag(node)));
  return pg::walk_children(node, typing_walker, &level);
}

bool walk_list(const List* list, TypingLevel& level) {
  check_stack_depth();
  ListCell* cell;
  foreach (cell, list)
    if (typing_walker(static_cast<Node*>(lfirst(cell)), &level)) return true;
  return false;
}

// What most of a query consists of is checked and gone through here, as its table says: each call
// of PostgreSQL's own walker costs more than the check.
static_assert(typing_of(T_Var) == Typing::reference && typing_of(T_Const) == Typing::constant &&
              typing_of(T_Param) == Typing::parameter && typing_of(T_FuncExpr) == Typing::call &&
              typing_of(T_OpExpr) == Typing::comparison &&
              typing_of(T_TargetEntry) == Typing::structure &&
              typing_of(T_FromExpr) == Typing::structure &&
              typing_of(T_RangeTblRef) == Typing::structure);

bool typing_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  TypingLevel& level = *static_cast<TypingLevel*>(state);
  switch (nodeTag(node)) {
    case T_Var:
      check_reference(level, reinterpret_cast<Var*>(node));
      return false;
    case T_Const:
      check_constant(level, reinterpret_cast<Const*>(node));
      return false;
    case T_Param:
    case T_RangeTblRef:
    case T_RangeTblEntry:  // walked with the query that it belongs to
      return false;
    case T_List:
      return walk_list(reinterpret_cast<List*>(node), level);
    case T_TargetEntry:
      return typing_walker(reinterpret_cast<Node*>(reinterpret_cast<TargetEntry*>(node)->expr),
                           state);
    case T_FromExpr: {
      auto* from = reinterpret_cast<FromExpr*>(node);
      return walk_list(from->fromlist, level) || typing_walker(from->quals, state);
    }
    case T_FuncExpr: {
      auto* call = reinterpret_cast<FuncExpr*>(node);
      check_call(level, node, call->funcid, call->args);
      return walk_list(call->args, level);
    }
    case T_OpExpr: {
      auto* operation = reinterpret_cast<OpExpr*>(node);
      check_operator(level, node, operation->opno, operation->args);
      return walk_list(operation->args, level);
    }
    default:
      return walk_other(node, level);
  }
}

}  // namespace

void refuse_typing(const TypingLevel& level, const Node* node, const char* what) {
  pg::raise_at(Code::unsupported, what,
               "Cast each encrypted column in it to its plaintext type, as in note::text. If that "
               "is no way, please report the statement.",
               level.text, exprLocation(node));
}

void check_typing(Query* query, const char* text) {
  check_query(query, nullptr, text);
}

void check_table_columns(const Query* query) {
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* target = lfirst_node(TargetEntry, cell);
    auto* output = reinterpret_cast<Node*>(target->expr);
    if (target->resjunk || type_of(output) == nullptr || typmod_below_domain(output) >= 0) continue;
    pg::raise(Code::unsupported,
              psprintf("encrypted column \"%s\" of the table would have no key", target->resname),
              "Select the column of one declaration as it is, or cast it to its plaintext type.");
  }
}

}  // namespace nae::columns
