#include "pg_nae/columns/unplanned.hpp"

#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/values.hpp"

namespace nae::columns {
namespace {

// Rows differ when the ciphertexts in them do: OLD.* IS DISTINCT FROM NEW.*.
bool compares_rows(Oid opno) {
  Oid left, right;
  op_input_types(opno, &left, &right);
  return left == RECORDOID && right == RECORDOID;
}

// What the extension itself has for its types works anywhere.
bool is_by_type(Node* node) {
  switch (nodeTag(node)) {
    case T_FuncExpr:
      return is_column_function(reinterpret_cast<FuncExpr*>(node)->funcid);
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr: {
      Oid opno = reinterpret_cast<OpExpr*>(node)->opno;
      return is_column_function(get_opcode(opno)) || compares_rows(opno);
    }
    case T_ScalarArrayOpExpr:
      return is_column_function(get_opcode(reinterpret_cast<ScalarArrayOpExpr*>(node)->opno));
    case T_ArrayCoerceExpr:
      return true;
    default:
      return false;
  }
}

bool unplanned_walker(Node* node, void* state) {
  if (node == nullptr) return false;
  // Greatest of ciphertexts, which are in no order that means anything.
  if (IsA(node, MinMaxExpr) && type_of(node) != nullptr) return true;
  QueryLevel nowhere{nullptr, nullptr, false};
  if (!is_by_type(node) && converted(node, nowhere) != node) return true;
  return pg::walk_children(node, unplanned_walker, state);
}

bool changes_by_expression(const AlterTableStmt* statement) {
  ListCell* cell;
  foreach (cell, statement->cmds) {
    auto* command = lfirst_node(AlterTableCmd, cell);
    if (command->subtype == AT_AlterColumnType &&
        castNode(ColumnDef, command->def)->raw_default != nullptr)
      return true;
  }
  return false;
}

Node* transformed(Node* expression, Relation relation, const char* text) {
  ParseState* state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  ParseNamespaceItem* item =
      addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true);
  addNSItemToQuery(state, item, false, true, true);
  Node* result = transformExpr(state, pg::copy_of(expression), EXPR_KIND_ALTER_COL_TRANSFORM);
  free_parsestate(state);
  return result;
}

}  // namespace

bool reads_ciphertext(Node* expression) {
  return unplanned_walker(expression, nullptr);
}

void check_using(const AlterTableStmt* statement, const char* text) {
  if (!has_column_types() || !changes_by_expression(statement)) return;
  // The lock and the permissions that the command is about to ask for.
  Oid oid = AlterTableLookupRelation(const_cast<AlterTableStmt*>(statement),
                                     AlterTableGetLockLevel(statement->cmds));
  if (!OidIsValid(oid)) return;
  Relation relation = relation_open(oid, NoLock);
  ListCell* cell;
  foreach (cell, statement->cmds) {
    auto* command = lfirst_node(AlterTableCmd, cell);
    if (command->subtype != AT_AlterColumnType) continue;
    Node* expression = castNode(ColumnDef, command->def)->raw_default;
    if (expression != nullptr && reads_ciphertext(transformed(expression, relation, text)))
      pg::raise(
          Code::unsupported,
          psprintf("the new values of column \"%s\" would be made of ciphertext", command->name),
          "Cast each encrypted column in USING to its plaintext type, as in "
          "concat(name::text).");
  }
  relation_close(relation, NoLock);
}

}  // namespace nae::columns

NAE_FUNCTION(nae_reads_ciphertext) {
  using namespace nae::columns;
  char* tree = TextDatumGetCString(PG_GETARG_DATUM(0));
  PG_RETURN_BOOL(has_column_types() && reads_ciphertext(static_cast<Node*>(stringToNode(tree))));
}
