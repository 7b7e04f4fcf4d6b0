// What functions do with values of any type.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// The function looks at no value, or at how it is stored.
bool looks_at_storage(Oid function);

}  // namespace nae::columns
