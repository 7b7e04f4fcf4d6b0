// TableResult: the rows of a set-returning function, collected in a tuplestore.
#pragma once

#include "libnae/wire/lookup.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::functions {

class TableResult {
 public:
  // Of a function with `columns` columns, as this library knows it. Raises when the caller cannot
  // take a set.
  TableResult(FunctionCallInfo fcinfo, int columns);
  void add(const Datum* values, const bool* nulls);

 private:
  Tuplestorestate* store_;
  TupleDesc description_;
};

// A cell of `table`, whose rows have the columns that `names` lists in order;
// Code::protocol_violation when they do not.
void expect_columns(const Table& table, std::span<const std::string_view> names);

// Text in the database's encoding, or NULL.
Datum text_cell(const std::optional<std::string>& cell, bool& is_null);

}  // namespace nae::functions
