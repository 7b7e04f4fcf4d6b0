#include "pg_nae/columns/dump_warning.hpp"

#include "pg_nae/columns/column_type.hpp"

namespace nae::columns {
namespace {

bool warned = false;  // in this session

// pg_dump declares a cursor for each table.
const Query* selected_for_dump(const Query* query) {
  if (query->commandType != CMD_UTILITY || !IsA(query->utilityStmt, DeclareCursorStmt) ||
      application_name == nullptr || std::strcmp(application_name, "pg_dump") != 0)
    return nullptr;
  auto* declared = reinterpret_cast<const DeclareCursorStmt*>(query->utilityStmt)->query;
  return IsA(declared, Query) ? reinterpret_cast<const Query*>(declared) : nullptr;
}

bool puts_out_encrypted(const Query* query) {
  ListCell* cell;
  foreach (cell, query->targetList) {
    auto* expression = reinterpret_cast<Node*>(lfirst_node(TargetEntry, cell)->expr);
    if (find_column_type(exprType(expression)) != nullptr) return true;
  }
  return false;
}

void warn_of_dump(ParseState* state, Query* query, pg::Jumble* jumble) {
  const Query* selected = warned ? nullptr : selected_for_dump(query);
  bool encrypted = selected != nullptr && has_column_types() && puts_out_encrypted(selected);
  dump_warning_hook.next(state, query, jumble);
  // What was opened for the client is not encrypted any more.
  if (!encrypted || puts_out_encrypted(selected_for_dump(query))) return;
  warned = true;
  ereport(WARNING, (errmsg("pg_dump reads encrypted columns decrypted, and writes them in clear"),
                    errhint("PGOPTIONS='-c nae.transparent=off' makes it write ciphertext; so does "
                            "a dump without --inserts.")));
}

}  // namespace

pg::Hook<post_parse_analyze_hook_type> dump_warning_hook{warn_of_dump, nullptr};

}  // namespace nae::columns
