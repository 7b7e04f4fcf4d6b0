// DeclaredKey: the key of columns whose ciphertexts carry a tag, as far as this database has such
// columns.
#pragma once

#include "pg_nae/columns/column_key.hpp"

namespace nae::columns {

// Its name, as long as the backend lives; empty where no column was declared with the tag. A value
// that is opened without its column at hand is asked for under this name.
std::string_view declared_key(const ContextTag& tag);

// Code::conflict when a column of another key has the same tag: what is opened by the tag alone
// would be of either.
void expect_tag_to_be_free(const ContextTag& tag, const char* key);

}  // namespace nae::columns
