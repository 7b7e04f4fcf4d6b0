#include "pg_nae/columns/utility.hpp"

#include "pg_nae/columns/added_columns.hpp"
#include "pg_nae/columns/copy_from.hpp"
#include "pg_nae/columns/definitions.hpp"
#include "pg_nae/columns/expressions.hpp"
#include "pg_nae/columns/stored_output.hpp"
#include "pg_nae/columns/typing.hpp"
#include "pg_nae/columns/unplanned.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// What the statement at hand does with what it reads.
struct Storing {
  bool keeps = false;        // its queries stay closed
  bool makes_table = false;  // of a query
  bool rewrites = false;     // a table
};
Storing storing;

// `run` has nothing that an error would leave undestroyed.
template <class Run>
void run_while(Storing meanwhile, const Run& run) {
  Storing before = storing;
  storing = meanwhile;
  PG_TRY();
  { run(); }
  PG_FINALLY();
  { storing = before; }
  PG_END_TRY();
}

// COPY of a table is its storage form, as are the rows of materialized views and of tables made
// from queries. A check of a foreign key reads rows only to quote them in an error.
Storing storing_of(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_ViewStmt:
    case T_RefreshMatViewStmt:
    case T_CreateStmt:
    case T_IndexStmt:
    case T_RuleStmt:
      return {.keeps = true};
    case T_AlterTableStmt:
      return {.keeps = true, .rewrites = true};
    case T_CreateTableAsStmt:
      return {.keeps = true, .makes_table = true};
    case T_CopyStmt: {
      auto* copy = reinterpret_cast<const CopyStmt*>(statement);
      return {.keeps = copy->relation != nullptr && !copy->is_from};
    }
    default:
      return {};
  }
}

// CREATE TABLE AS, SELECT INTO or a materialized view, also when it is explained; nullptr.
const CreateTableAsStmt* table_from_query(const Node* statement) {
  if (IsA(statement, CreateTableAsStmt))
    return reinterpret_cast<const CreateTableAsStmt*>(statement);
  if (!IsA(statement, ExplainStmt)) return nullptr;
  auto* query = reinterpret_cast<Query*>(reinterpret_cast<const ExplainStmt*>(statement)->query);
  bool is_utility = IsA(query, Query) && query->commandType == CMD_UTILITY;
  return is_utility && IsA(query->utilityStmt, CreateTableAsStmt)
             ? reinterpret_cast<CreateTableAsStmt*>(query->utilityStmt)
             : nullptr;
}

[[noreturn]] void refuse_plaintext() {
  pg::raise(Code::unsupported,
            "the table would keep what was computed from encrypted columns in clear",
            "Select the columns as they are, to keep them encrypted. To store plaintext, say so by "
            "a cast of each encrypted column, as in max(name::text).");
}

// A prepared statement was opened for a client; its rows must not become a table.
void refuse_prepared_plaintext(const Query* query) {
  if (query->commandType != CMD_UTILITY || !IsA(query->utilityStmt, ExecuteStmt)) return;
  const char* name = reinterpret_cast<ExecuteStmt*>(query->utilityStmt)->name;
  PreparedStatement* prepared = FetchPreparedStatement(name, false);
  if (prepared == nullptr) return;
  ListCell* cell;
  foreach (cell, prepared->plansource->query_list)
    if (holds_plaintext(lfirst_node(Query, cell), true))
      pg::raise(Code::unsupported, "a prepared statement that decrypts cannot be made into a table",
                "Write its query in the place of EXECUTE: the table then keeps ciphertext.");
}

// No event trigger guards the table that EXPLAIN ANALYZE makes.
void refuse_unguarded_table(const Node* statement, const Query* query) {
  if (!IsA(statement, ExplainStmt)) return;
  ListCell* cell;
  foreach (cell, query->targetList)
    if (type_of(reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr)) != nullptr)
      pg::raise(Code::unsupported,
                "EXPLAIN of CREATE TABLE AS cannot be done with encrypted columns",
                "Explain the query alone.");
}

void check_table_from_query(const Node* statement, const CreateTableAsStmt* made) {
  if (made == nullptr || !has_column_types() || !IsA(made->query, Query)) return;
  auto* query = reinterpret_cast<Query*>(made->query);
  refuse_prepared_plaintext(query);
  refuse_unguarded_table(statement, query);
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
  utility_hook.next(utility.statement, utility.text, utility.read_only_tree, utility.context,
                    utility.parameters, utility.environment, utility.destination,
                    utility.completion);
}

void process(NAE_UTILITY_PARAMETERS) {
  check_definition(statement->utilityStmt, text);
  statement = with_ciphertext_checks(statement);
  const Utility utility{statement,  text,        read_only_tree, context,
                        parameters, environment, destination,    completion};
  const CreateTableAsStmt* made = table_from_query(statement->utilityStmt);
  Storing wanted =
      storing_of(made != nullptr ? reinterpret_cast<const Node*>(made) : statement->utilityStmt);
  if (!wanted.keeps) return execute(utility);
  if (IsA(statement->utilityStmt, AlterTableStmt))
    check_using(reinterpret_cast<AlterTableStmt*>(statement->utilityStmt), text);
  check_table_from_query(statement->utilityStmt, made);
  run_while(wanted, [&] { execute(utility); });
}

// Functions that run inside such a statement read for themselves.
void run_query(NAE_RUN_PARAMETERS) {
  auto go_on = [&] { run_hook.next(NAE_RUN_ARGUMENTS); };
  if (!storing.keeps) return go_on();
  run_while({}, go_on);
}

}  // namespace

bool keeps_ciphertext() {
  return storing.keeps;
}

bool rewrites_table() {
  return storing.rewrites;
}

void refuse_unasked_plaintext(Query* query) {
  if (!storing.makes_table) return;
  if (holds_plaintext(query, false)) refuse_plaintext();
  check_table_columns(query);
}

pg::Hook<ProcessUtility_hook_type> utility_hook{process, standard_ProcessUtility};
pg::Hook<ExecutorRun_hook_type> run_hook{run_query, standard_ExecutorRun};

}  // namespace nae::columns
