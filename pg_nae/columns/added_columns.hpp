// Encrypted columns that ALTER TABLE adds: their CHECKs are made part of the command.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// The statement with them, or itself when there are none. The rows of the table have no value in a
// column without a default and are not read for its CHECK: else a command that takes no time would
// read a large table under an exclusive lock.
PlannedStmt* with_ciphertext_checks(PlannedStmt* statement);

}  // namespace nae::columns
