// What casts and operators of encrypted types have in common.
#pragma once

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Raises when the value was encrypted as another type.
void expect_type(const Value& value, PlainType type);

// A value by PostgreSQL's own cast, which the call remembers.
Datum cast_value(FunctionCallInfo fcinfo, Datum value, Oid source, Oid target);

}  // namespace nae::columns
