// SearchedColumn: a column whose search index may be used: all of its rows have their codes, which
// a CHECK of the table says that PostgreSQL itself holds.
#pragma once

#include "libnae/search/pattern.hpp"
#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// Texts in the database's encoding; memory of the current context.
struct SearchedColumn {
  AttrNumber code_column;
  const char* key;  // with its version
  const char *purpose, *context, *declaration;
  bool is_bucket;  // searched by ranges
};

// False where the column has no search index, or one that is not complete, whose trigger does not
// fire or is not what keeps such codes.
bool find_searched_column(const Query* query, const Var* column, SearchedColumn& searched);

// Whether a token is in all values that fulfil the condition.
bool may_serve(const SearchedColumn& searched, search::Condition condition, const Const* text);
// Whether a range has few enough buckets. Bounds of find_bound_type(), or of
// kNoBound; NULL: there is none.
bool may_serve_range(const SearchedColumn& searched, const Const* low, const Const* high);

}  // namespace nae::columns
