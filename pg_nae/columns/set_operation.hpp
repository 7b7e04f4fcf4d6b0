// Set operations over encrypted columns: UNION, INTERSECT, EXCEPT.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// Whether a column of an operation (SetOperationStmt) may stay as it is stored: its branches agree
// on the declaration, and rows need not be found equal, or are by equal ciphertexts.
bool is_kept_by(const Node* operation, Oid type, int32 typmod);

// Whether ORDER BY of the whole names the column, counted from 1.
bool is_sorted(Query* query, int column);

// Visits the expressions that the branches of a query's set operation put out in a column, counted
// from 1.
using OutputVisitor = void (*)(Node* output, void* state);
void each_branch_output(Query* query, int column, OutputVisitor visit, void* state);

}  // namespace nae::columns
