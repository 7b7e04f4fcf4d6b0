// PL/pgSQL: which of its statements a query belongs to. Some are no edge to a client: what they
// read is stored or handed on.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// NEW.a := NEW.b in PL/pgSQL, whose text is all that tells it from an expression: what is assigned
// to an encrypted variable stays as it is, so that a trigger needs no right to decrypt.
bool is_assignment(const ParseState* state, const Query* query);

// An expression of PL/pgSQL: no query of rows.
bool is_plpgsql_expression(const ParseState* state, const Query* query);

// RETURN QUERY in a function that returns rows of a table, and SELECT INTO NEW in a trigger: the
// rows are to be of the table's own types, and what is computed for an encrypted column is
// encrypted for it. PL/pgSQL says nothing of where a query stands, but whose it is.
bool keeps_rows_of_a_table(const ParseState* state, Query* query);

// The body of a function in SQL: its rows may be of a table's own type.
bool is_sql_function(const ParseState* state);

}  // namespace nae::columns
