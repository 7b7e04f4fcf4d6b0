#include "pg_nae/columns/stored_output.hpp"

#include "pg_nae/columns/arguments.hpp"
#include "pg_nae/columns/whole_row.hpp"

namespace nae::columns {
namespace {

// Where a column reference is resolved.
struct Level {
  Query* query;
  Level* outer;
  bool was_opened;
  List** recursion;  // recursive CTEs that are being looked at
};

bool stored_output_walker(Node* node, void* state);

bool outputs_hold_plaintext(Query* query, Level* outer, bool was_opened, List** recursion);

bool holds(Node* expression, Level& level) {
  return stored_output_walker(expression, &level);
}

Level* level_of(const Var* var, Level& level) {
  Level* found = &level;
  for (Index up = 0; up < var->varlevelsup && found != nullptr; ++up) found = found->outer;
  return found;
}

// The CTE and, in `level`, where it is defined.
CommonTableExpr* cte_of(const RangeTblEntry* relation, Level*& level) {
  for (Index up = 0; up < relation->ctelevelsup && level != nullptr; ++up) level = level->outer;
  if (level == nullptr) return nullptr;
  ListCell* cell;
  foreach (cell, level->query->cteList) {
    auto* expression = lfirst_node(CommonTableExpr, cell);
    if (std::strcmp(expression->ctename, relation->ctename) == 0) return expression;
  }
  return nullptr;
}

bool row_has_encrypted(const Query* query) {
  ListCell* cell;
  foreach (cell, query->targetList)
    if (holds_encrypted(exprType(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr))))
      return true;
  return false;
}

// Of a sub-select or CTE; column 0 is its whole row, which some function takes apart.
bool output_holds(Query* query, int column, Level& level) {
  List* targets = query->commandType == CMD_SELECT ? query->targetList : query->returningList;
  if (column == InvalidAttrNumber && row_has_encrypted(query)) return true;
  if (column == InvalidAttrNumber || query->setOperations != nullptr)
    return outputs_hold_plaintext(query, &level, level.was_opened, level.recursion);
  if (column < 1 || column > list_length(targets)) return false;
  Level below{query, &level, level.was_opened, level.recursion};
  return holds(reinterpret_cast<Node*>(pg::target_at(targets, column)->expr), below);
}

// What a recursive CTE reads of itself is what its other rows hold.
bool cte_holds(const RangeTblEntry* relation, int column, Level* level) {
  CommonTableExpr* cte = cte_of(relation, level);
  if (cte == nullptr) return true;
  if (list_member_ptr(*level->recursion, cte)) return false;
  List* before = *level->recursion;
  if (cte->cterecursive) *level->recursion = lappend(list_copy(before), cte);
  bool found = output_holds(castNode(Query, cte->ctequery), column, *level);
  *level->recursion = before;
  return found;
}

// What a column of a sub-select, a CTE, a join or a function was made of. What is not known here
// may be made of anything.
bool origin_holds(const Var* var, Level& level) {
  Level* at = level_of(var, level);
  if (at == nullptr || static_cast<int>(var->varno) > list_length(at->query->rtable)) return false;
  RangeTblEntry* relation = rt_fetch(static_cast<int>(var->varno), at->query->rtable);
  switch (relation->rtekind) {
    case RTE_SUBQUERY:
      return output_holds(relation->subquery, var->varattno, *at);
    case RTE_CTE:
      return cte_holds(relation, var->varattno, at);
    case RTE_TABLEFUNC:
      return holds(reinterpret_cast<Node*>(relation->tablefunc), *at);
    case RTE_RELATION:
    case RTE_NAMEDTUPLESTORE:
    case RTE_RESULT:
      return false;
    case RTE_JOIN:
      return var->varattno != InvalidAttrNumber &&
             holds(static_cast<Node*>(list_nth(relation->joinaliasvars, var->varattno - 1)), *at);
    case RTE_FUNCTION:
      return holds(reinterpret_cast<Node*>(relation->functions), *at);
    case RTE_VALUES:
      return holds(reinterpret_cast<Node*>(relation->values_lists), *at);
#if PG_VERSION_NUM >= 180000
    case RTE_GROUP:
      return holds(static_cast<Node*>(list_nth(relation->groupexprs, var->varattno - 1)), *at);
#endif
    default:
      return true;
  }
}

// A cast that somebody wrote: the plaintext is meant to be stored.
bool is_asked_for(const FuncExpr* call, const Level& level) {
  return call->funcformat == COERCE_EXPLICIT_CAST ||
         (call->funcformat == COERCE_EXPLICIT_CALL && !level.was_opened);
}

Node* first_argument(const FuncExpr* call) {
  return call->args == NIL ? nullptr : static_cast<Node*>(linitial(call->args));
}

bool decrypts(FuncExpr* call) {
  if (is_decryption(reinterpret_cast<Node*>(call)) || call->funcid == row_decryption()) return true;
  Node* argument = first_argument(call);
  const ColumnType* type = argument == nullptr ? nullptr : type_of(argument);
  return type != nullptr && is_cast_of(*type, call->funcid);
}

// As varchar(9), for which the parser makes two calls and hides the first.
bool is_cast_in_two_steps(const FuncExpr* call) {
  Node* argument = first_argument(call);
  return call->funcformat == COERCE_EXPLICIT_CAST && argument != nullptr &&
         IsA(argument, FuncExpr) && decrypts(reinterpret_cast<FuncExpr*>(argument));
}

bool call_holds(FuncExpr* call, Level& level) {
  auto* node = reinterpret_cast<Node*>(call);
  Node* argument = first_argument(call);
  const ColumnType* type = argument == nullptr ? nullptr : type_of(argument);
  if (decrypts(call)) return !is_asked_for(call, level);
  if (is_cast_in_two_steps(call)) return false;
  // What else the extension has for its types tells no plaintext.
  if (type != nullptr && is_column_function(call->funcid)) return false;
  return !looks_at_storage(call->funcid) && pg::walk_children(node, stored_output_walker, &level);
}

bool sublink_holds(SubLink* sublink, Level& level) {
  if (sublink->subLinkType == EXISTS_SUBLINK) return false;
  if (stored_output_walker(sublink->testexpr, &level)) return true;
  return outputs_hold_plaintext(castNode(Query, sublink->subselect), &level, level.was_opened,
                                level.recursion);
}

bool stored_output_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  auto& level = *static_cast<Level*>(state);
  switch (nodeTag(node)) {
    case T_Var: {
      auto* var = reinterpret_cast<Var*>(node);
      return holds_encrypted(var->vartype) || origin_holds(var, level);
    }
    case T_FuncExpr:
      return call_holds(reinterpret_cast<FuncExpr*>(node), level);
    case T_CoerceViaIO: {
      auto* cast = reinterpret_cast<CoerceViaIO*>(node);
      if (type_of(reinterpret_cast<Node*>(cast->arg)) != nullptr)
        return cast->coerceformat != COERCE_EXPLICIT_CAST;
      break;
    }
    case T_Aggref: {
      auto* aggregate = reinterpret_cast<Aggref*>(node);
      return !looks_at_storage(aggregate->aggfnoid) &&
             stored_output_walker(reinterpret_cast<Node*>(aggregate->args), state);
    }
    case T_NullTest:
      if (holds_encrypted(
              exprType(reinterpret_cast<Node*>(reinterpret_cast<NullTest*>(node)->arg))))
        return false;
      break;
    case T_SubLink:
      return sublink_holds(reinterpret_cast<SubLink*>(node), level);
    default:
      break;
  }
  return pg::walk_children(node, stored_output_walker, state);
}

bool outputs_hold_plaintext(Query* query, Level* outer, bool was_opened, List** recursion) {
  Level level{query, outer, was_opened, recursion};
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* target = lfirst_node(TargetEntry, cell);
    auto* expression = reinterpret_cast<Node*>(target->expr);
    // What is put out as an encrypted type is ciphertext.
    bool concerned = !target->resjunk && !holds_encrypted(exprType(expression));
    if (concerned && holds(expression, level)) return true;
  }
  if (query->setOperations == nullptr) return false;
  foreach (cell, query->rtable) {
    auto* relation = lfirst_node(RangeTblEntry, cell);
    if (relation->rtekind == RTE_SUBQUERY &&
        outputs_hold_plaintext(relation->subquery, &level, was_opened, recursion))
      return true;
  }
  return false;
}

}  // namespace

bool holds_plaintext(Query* query, bool was_opened) {
  List* recursion = NIL;
  return outputs_hold_plaintext(query, nullptr, was_opened, &recursion);
}

}  // namespace nae::columns
