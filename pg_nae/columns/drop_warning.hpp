// DropWarning: DROP EXTENSION, TYPE, DOMAIN, SCHEMA or OWNED that takes encrypted columns along,
// with what is in them. Their names are said before it happens.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Of a utility statement that is about to run. A WARNING with CASCADE; of DROP EXTENSION without,
// which PostgreSQL refuses and advises CASCADE for, an error with another hint.
void warn_of_dropped_columns(const Node* statement);

}  // namespace nae::columns
