// What casts of encrypted types have in common, of values and of arrays.
#pragma once

#include "pg_nae/columns/column_type.hpp"
#include "pg_nae/columns/decrypted_values.hpp"
#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Of the SQL function that is called.
Oid result_type(FunctionCallInfo fcinfo);
Oid argument_type(FunctionCallInfo fcinfo);  // of the first

// What the query that the call belongs to has decrypted, or nullptr.
DecryptedValues* values_of(FunctionCallInfo fcinfo);

// Raises when the value was encrypted as another type.
void expect_type(const Value& value, PlainType type);

// What a role reads as ciphertext comes back as a text or bytea, and is the ciphertext that it was.
Datum pend(const ColumnType& type, Datum plain);

}  // namespace nae::columns
