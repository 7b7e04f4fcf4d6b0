// The functions of search indexes in this database, and calls of them.
#pragma once

#include "pg_nae/columns/searched_column.hpp"

namespace nae::columns {

// nae.search(text, text); InvalidOid where the extension is of a release without it.
Oid words_condition();

// nae.has_codes(boolean, integer[], integer), which the CHECK of a search index calls.
Oid codes_check();

// nae_internal.search_for(…) of a text.
Node* search_call(const SearchedColumn& searched, search::Condition condition, Node* text);
bool is_search_call(const Node* node);

}  // namespace nae::columns
