// What x = ANY (SELECT ...) and its like are compared with. PostgreSQL decrypts it for each
// comparison or, to fill a hash table, row by row: it becomes what the sub-select puts out, which
// is batched.
#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {
namespace {

// An output of a sub-select in the expression that it is compared in.
struct Output {
  int number;
  const FuncExpr* decryption = nullptr;  // the one thing that is made of it
  bool other_use = false;
};

bool is_output(const Node* node, int number) {
  if (!IsA(node, Param)) return false;
  auto* parameter = reinterpret_cast<const Param*>(node);
  return parameter->paramkind == PARAM_SUBLINK && parameter->paramid == number;
}

const FuncExpr* decryption_of(const Node* node, int number) {
  if (!is_decryption(node)) return nullptr;
  auto* call = reinterpret_cast<const FuncExpr*>(node);
  return is_output(static_cast<const Node*>(linitial(call->args)), number) ? call : nullptr;
}

bool use_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  auto& output = *static_cast<Output*>(state);
  if (const FuncExpr* call = decryption_of(node, output.number)) {
    output.other_use =
        output.other_use || (output.decryption != nullptr && !equal(call, output.decryption));
    output.decryption = call;
    return false;
  }
  output.other_use = output.other_use || is_output(node, output.number);
  return pg::walk_children(node, use_walker, state);
}

Node* plain_mutator(Node* node, void* state) {
  if (node == nullptr) return nullptr;
  const auto& output = *static_cast<const Output*>(state);
  const FuncExpr* call = decryption_of(node, output.number);
  if (call == nullptr) return pg::mutate_children(node, plain_mutator, state);
  Param* plain = pg::flat_copy(static_cast<Param*>(linitial(call->args)));
  plain->paramtype = call->funcresulttype;
  plain->paramtypmod = -1;
  plain->paramcollid = call->funccollid;
  return reinterpret_cast<Node*>(plain);
}

}  // namespace

void put_out_plaintexts(SubLink* sublink) {
  if (sublink->subLinkType != ANY_SUBLINK && sublink->subLinkType != ALL_SUBLINK) return;
  auto* query = castNode(Query, sublink->subselect);
  // What rows are compared by to be told apart or sorted stays what it is.
  if (query->setOperations != nullptr || query->distinctClause != NIL) return;
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* target = lfirst_node(TargetEntry, cell);
    if (target->resjunk || target->ressortgroupref != 0 ||
        type_of(reinterpret_cast<Node*>(target->expr)) == nullptr)
      continue;
    Output output{.number = target->resno};
    use_walker(sublink->testexpr, &output);
    if (output.decryption == nullptr || output.other_use) continue;
    FuncExpr* call = pg::flat_copy(output.decryption);
    call->args = list_copy(call->args);
    linitial(call->args) = target->expr;
    sublink->testexpr = plain_mutator(sublink->testexpr, &output);
    target->expr = reinterpret_cast<Expr*>(call);
  }
}

}  // namespace nae::columns
