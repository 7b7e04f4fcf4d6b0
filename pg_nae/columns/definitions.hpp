// Definitions that the guard would refuse when they have been carried out, refused before they
// begin: what a transaction does not take back, and what would write plaintext meanwhile.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// CREATE INDEX, REINDEX CONCURRENTLY, ALTER TABLE.
void check_definition(const Node* statement, const char* text);

}  // namespace nae::columns
