#include "pg_nae/columns/added_columns.hpp"

#include "pg_nae/columns/ciphertext_check.hpp"
#include "pg_nae/pg/nodes.hpp"

// Types by the names that a statement gives them.
extern "C" {
#include "parser/parse_type.h"
}

namespace nae::columns {
namespace {

bool has_constraint(const ColumnDef* column, ConstrType type) {
  ListCell* cell;
  foreach (cell, column->constraints)
    if (lfirst_node(Constraint, cell)->contype == type) return true;
  return false;
}

// The column that the command adds, when it is of an encrypted type itself, and not of a domain
// with a default of its own. With a CHECK of the user's it may have ours already.
ColumnDef* added_column(const AlterTableCmd* command) {
  if (command->subtype != AT_AddColumn || command->missing_ok) return nullptr;
  auto* column = castNode(ColumnDef, command->def);
  if (has_constraint(column, CONSTR_CHECK)) return nullptr;
  HeapTuple found = LookupTypeName(nullptr, column->typeName, nullptr, true);
  if (found == nullptr) return nullptr;
  Oid type = typeTypeId(found);
  ReleaseSysCache(found);
  const ColumnType* encrypted = find_column_type(type);
  return encrypted != nullptr && encrypted->type == type ? column : nullptr;
}

// And no constraints, which might be named like ours.
bool adds_columns_alone(const AlterTableStmt* statement) {
  bool adds = false;
  ListCell* cell;
  foreach (cell, statement->cmds) {
    auto* command = lfirst_node(AlterTableCmd, cell);
    if (command->subtype == AT_AddConstraint) return false;
    adds = adds || added_column(command) != nullptr;
  }
  return adds;
}

Oid altered_table(const PlannedStmt* statement) {
  if (!IsA(statement->utilityStmt, AlterTableStmt) || !has_column_types()) return InvalidOid;
  auto* altering = reinterpret_cast<AlterTableStmt*>(statement->utilityStmt);
  if (altering->objtype != OBJECT_TABLE) return InvalidOid;
  Oid table = RangeVarGetRelid(altering->relation, NoLock, true);
  char kind = OidIsValid(table) ? get_rel_relkind(table) : '\0';
  bool has_checks = kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE;
  return has_checks ? table : InvalidOid;
}

}  // namespace

PlannedStmt* with_ciphertext_checks(PlannedStmt* statement) {
  Oid table = altered_table(statement);
  if (!OidIsValid(table)) return statement;
  if (!adds_columns_alone(reinterpret_cast<AlterTableStmt*>(statement->utilityStmt)))
    return statement;
  // The tree may be a cached one.
  statement = pg::copy_of(statement);
  ListCell* cell;
  foreach (cell, reinterpret_cast<AlterTableStmt*>(statement->utilityStmt)->cmds) {
    ColumnDef* column = added_column(lfirst_node(AlterTableCmd, cell));
    if (column == nullptr) continue;
    Constraint* check = ciphertext_check(table, column->colname);
    // Without a default all its values are NULL.
    check->skip_validation =
        column->raw_default == nullptr && !has_constraint(column, CONSTR_DEFAULT);
    column->constraints = lappend(column->constraints, check);
  }
  return statement;
}

}  // namespace nae::columns
