// The text of the store's tables for PostgreSQL, and of the steps to it from older schemas.
#pragma once

#include <span>
#include <string>

namespace nae::store::postgresql {

// Statements without parameters, for the schema that stands first in the search path.
std::string tables();
std::string guards();         // the triggers of all of them
std::string ledger_tables();  // the ledger's alone, with their triggers
std::string drop_ledger_tables();
// What makes schema 2 of 1, 3 of 2 and so on. The last makes what tables() does.
std::span<const char* const> schema_steps();

}  // namespace nae::store::postgresql
