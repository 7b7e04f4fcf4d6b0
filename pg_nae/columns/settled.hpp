// Settled: whether PostgreSQL's own resolution of a statement over encrypted types is sure to be
// the one it would have made over the plaintext types.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Of a query fresh from analysis. `describes_parameters`: their types are still to be found, and
// none may be an encrypted one.
bool is_settled(Query* query, bool describes_parameters);

// A conversion of an encrypted value that PostgreSQL added by itself, to another type than the
// plaintext's: of several ways to a type it took one that the plaintext might not have taken.
bool is_unsure_conversion(const Node* node);

}  // namespace nae::columns
