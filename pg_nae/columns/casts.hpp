// What casts and operators of encrypted types have in common.
#pragma once

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Raises when the value was encrypted as another type.
void expect_type(const Value& value, PlainType type);

// The argument as the plaintext type, by PostgreSQL's own assignment cast.
Datum assigned(FunctionCallInfo fcinfo, int position, PlainType type);

}  // namespace nae::columns
