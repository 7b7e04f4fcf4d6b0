// PlainCast: a plaintext from one type to another, by PostgreSQL's own cast.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// What fn_extra of the function that calls keeps for the calls to come; the types are the same in
// all of them.
Datum cast_value(FunctionCallInfo fcinfo, Datum value, Oid source, Oid target);

}  // namespace nae::columns
