// The text of the store's tables for PostgreSQL, version 1 of its schema.
#pragma once

#include <string>

namespace nae::store::postgresql {

// Statements without parameters, for the schema that stands first in the search path.
std::string tables();
std::string guards();         // the triggers of all of them
std::string ledger_tables();  // the ledger's alone, with their triggers
std::string drop_ledger_tables();

}  // namespace nae::store::postgresql
