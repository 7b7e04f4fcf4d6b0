// Resolution: which functions, operators and common types the words of a statement mean.
//
// PostgreSQL resolves them by types, and an encrypted type is another than its plaintext's. So a
// statement is analyzed twice: first by PostgreSQL, over the encrypted types, whose implicit casts
// let it come through; then by us, with every reference to an encrypted column in an expression
// standing for its plaintext. What then is resolved is what would be over plaintexts: 1.5 times an
// encrypted int4 is a numeric, and an untyped parameter beside a date is a date.
//
// References that stand alone, as output columns or keys of groups, keep their encrypted types
// (positions.hpp).
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Replaces the query in place, or the one within a utility statement. Does nothing where the first
// analysis is right already. Raises as PostgreSQL's analysis does.
void resolve_over_plaintexts(ParseState* state, Query* query);

}  // namespace nae::columns
