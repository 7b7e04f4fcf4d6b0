// Unplanned expressions: a CHECK, a trigger's WHEN, the USING of ALTER TABLE, which PostgreSQL runs
// without a look by the planner hook. Casts, comparisons and functions of one type read plaintext
// there too; what takes any type, as concat() and to_json(), would read ciphertext.
#pragma once

#include "pg_nae/pg/nodes.hpp"

namespace nae::columns {

bool reads_ciphertext(Node* expression);

// Raises for an ALTER COLUMN ... TYPE ... USING that reads ciphertext.
void check_using(const AlterTableStmt* statement, const char* text);

}  // namespace nae::columns
