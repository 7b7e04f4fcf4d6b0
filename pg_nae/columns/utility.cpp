#include "pg_nae/columns/utility.hpp"

#include "pg_nae/columns/copy_from.hpp"
#include "pg_nae/columns/expressions.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

ProcessUtility_hook_type previous_hook = nullptr;
bool keeping = false;

// COPY of a table is its storage form, as are the rows of materialized views and of tables made
// from queries. A check of a foreign key reads rows only to quote them in an error.
bool stores_what_it_reads(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_ViewStmt:
    case T_CreateTableAsStmt:
    case T_RefreshMatViewStmt:
    case T_CreateStmt:
    case T_AlterTableStmt:
    case T_IndexStmt:
    case T_RuleStmt:
      return true;
    case T_CopyStmt:
      return reinterpret_cast<const CopyStmt*>(statement)->relation != nullptr;
    default:
      return false;
  }
}

// Of CREATE TABLE AS, SELECT INTO and materialized views; nullptr for other statements.
Query* query_of_new_table(const Node* statement) {
  if (!IsA(statement, CreateTableAsStmt)) return nullptr;
  Node* query = reinterpret_cast<const CreateTableAsStmt*>(statement)->query;
  return IsA(query, Query) ? reinterpret_cast<Query*>(query) : nullptr;
}

// A prepared statement was opened for a client; its rows must not become a table.
void refuse_prepared_plaintext(const Node* statement) {
  Query* query = query_of_new_table(statement);
  if (query == nullptr || query->commandType != CMD_UTILITY ||
      !IsA(query->utilityStmt, ExecuteStmt))
    return;
  const char* name = reinterpret_cast<ExecuteStmt*>(query->utilityStmt)->name;
  PreparedStatement* prepared = FetchPreparedStatement(name, false);
  if (prepared == nullptr) return;
  ListCell *query_cell, *cell;
  foreach (query_cell, prepared->plansource->query_list) {
    foreach (cell, lfirst_node(Query, query_cell)->targetList)
      if (is_decryption(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr)))
        pg::raise(Code::unsupported,
                  "a prepared statement that decrypts cannot be made into a table",
                  "Write its query in the place of EXECUTE: the table then keeps ciphertext.");
  }
}

// A decryption that nobody wrote: the parser put it in to reach the plaintext's functions.
bool unasked_decryption_walker(Node* node, void*) {
  if (node == nullptr) return false;
  if (is_decryption(node) && reinterpret_cast<FuncExpr*>(node)->funcformat == COERCE_IMPLICIT_CAST)
    return true;
  return pg::walk_children(node, unasked_decryption_walker, nullptr);
}

bool puts_out_plaintext(Query* query) {
  if (unasked_decryption_walker(reinterpret_cast<Node*>(query->targetList), nullptr)) return true;
  ListCell* cell;
  foreach (cell, query->rtable) {
    auto* relation = lfirst_node(RangeTblEntry, cell);
    if (relation->rtekind == RTE_SUBQUERY && puts_out_plaintext(relation->subquery)) return true;
  }
  foreach (cell, query->cteList) {
    auto* expression = reinterpret_cast<Query*>(lfirst_node(CommonTableExpr, cell)->ctequery);
    if (IsA(expression, Query) && puts_out_plaintext(expression)) return true;
  }
  return false;
}

// CREATE TABLE AS max(name) would store a plaintext that nobody asked to be stored as such.
void refuse_unasked_plaintext(const Node* statement) {
  Query* query = query_of_new_table(statement);
  if (query == nullptr || !has_column_types()) return;
  if (query->commandType == CMD_UTILITY || !puts_out_plaintext(query)) return;
  pg::raise(Code::unsupported,
            "the table would keep what was computed from encrypted columns in clear",
            "Select the columns as they are, to keep them encrypted. To store plaintext, say so by "
            "a cast of each encrypted column, as in max(name::text).");
}

struct Utility {
  PlannedStmt* statement;
  const char* text;
  bool read_only_tree;
  ProcessUtilityContext context;
  ParamListInfo parameters;
  QueryEnvironment* environment;
  DestReceiver* destination;
  QueryCompletion* completion;
};

void execute(const Utility& utility) {
  if (copy_from_in_batches(utility.statement, utility.text, utility.completion)) return;
  auto run = previous_hook != nullptr ? previous_hook : standard_ProcessUtility;
  run(utility.statement, utility.text, utility.read_only_tree, utility.context, utility.parameters,
      utility.environment, utility.destination, utility.completion);
}

void process(PlannedStmt* statement, const char* text, bool read_only_tree,
             ProcessUtilityContext context, ParamListInfo parameters, QueryEnvironment* environment,
             DestReceiver* destination, QueryCompletion* completion) {
  const Utility utility{statement,  text,        read_only_tree, context,
                        parameters, environment, destination,    completion};
  if (!stores_what_it_reads(statement->utilityStmt)) return execute(utility);
  refuse_prepared_plaintext(statement->utilityStmt);
  refuse_unasked_plaintext(statement->utilityStmt);
  bool before = keeping;
  keeping = true;
  PG_TRY();
  { execute(utility); }
  PG_FINALLY();
  { keeping = before; }
  PG_END_TRY();
}

}  // namespace

bool keeps_ciphertext() {
  return keeping;
}

void install_utility_hook() {
  previous_hook = ProcessUtility_hook;
  ProcessUtility_hook = process;
}

}  // namespace nae::columns
