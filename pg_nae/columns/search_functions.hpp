// The functions of search indexes in this database, and calls of them.
#pragma once

#include "pg_nae/columns/searched_column.hpp"

namespace nae::columns {

// nae.search(text, text); InvalidOid where the extension is of a release without it.
Oid words_condition();

// nae.has_codes(boolean, integer[], integer), which the CHECK of a search index calls.
Oid codes_check();

// codes && wanted of schema nae_internal: one of them, or all rows where none is wanted.
Oid any_code_operator();

// nae_internal.search_for(…) of a text.
Node* search_call(const SearchedColumn& searched, search::Condition condition, Node* text);
// nae_internal.search_range(…) of two bounds, of which one may be NULL.
Node* range_call(const SearchedColumn& searched, Node* low, Node* high);
// Of either.
bool is_search_call(const Node* node);

}  // namespace nae::columns
