// Refusals: what a column, an index or a type over encrypted types cannot be, in one wording for
// the commands that are looked at before they begin and for the guard, which looks at what they
// made.
#pragma once

#include "pg_nae/columns/column_type.hpp"

namespace nae::columns {

// An encrypted type anywhere within this one: element, attribute, base or bound.
bool contains_column_type(Oid type);

// The same whatever the search_path is.
const char* shown(Oid relation);

// A column of an encrypted type without a key, or with such a type within its own.
void check_column(const char* name, Oid type, int32 typmod, Oid table);
// An index on a randomized column.
void check_index(Oid index);

bool is_randomized(Oid type);
[[noreturn]] void refuse_randomized(const char* index, const char* column);

}  // namespace nae::columns
