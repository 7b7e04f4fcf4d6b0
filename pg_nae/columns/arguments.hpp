// Arguments of functions that take values of any type: they get plaintexts.
#pragma once

#include "pg_nae/columns/rewrite.hpp"

namespace nae::columns {

// The function looks at no value, or at how it is stored.
bool looks_at_storage(Oid function);

// Expressions or target entries, one of which has plaintext.
bool has_readable(List* arguments, const QueryLevel& level);
// Arguments as a function is to have them. nullptr: as they are.
List* plain_arguments(Oid function, List* arguments, const QueryLevel& level);

}  // namespace nae::columns
