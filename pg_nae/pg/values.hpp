// Values: the arguments and results of one call, whether it has one value or an array of them.
#pragma once

#include "libnae/base/bytes.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// An array's elements, or one value. NULL elements are kept here and not sent.
struct Elements {
  Datum* datums = nullptr;
  bool* nulls = nullptr;
  std::size_t count = 0;
  bool is_text = false;
  // What makes a ciphertext longer than its plaintext: what could be encrypted under
  // nae.max_value_size can be decrypted under it.
  std::size_t overhead_bytes = 0;
  ArrayType* array = nullptr;  // nullptr: one value; else gives the result its shape
};

Elements one_element(Datum value, bool is_text);
// Elements of a bytea[] or text[] argument.
Elements array_elements(Datum array);

// `a` is NULL wherever `b` is. Code::invalid_argument when they differ in shape.
void spread_nulls(Elements& a, const Elements& b);

// The elements that are not NULL, text as UTF-8. Code::value_too_large past nae.max_value_size,
// before the value is even read from its TOAST table.
std::span<const ByteView> non_null_views(const Elements& elements);

// One argument that is not an array: aad, a name.
ByteView bytea_view(Datum value);
std::string_view text_view(Datum value);
// A value that is not sent and so may have any size.
ByteView local_view(Datum value);

Datum make_bytea(ByteView bytes);
Datum make_text(ByteView bytes_in_database_encoding);

// One result for each element that is not NULL, in order, becomes an array of the arguments' shape
// or the one value.
struct Results {
  Datum* datums;
  bool* nulls;
};
Results make_results(std::size_t count);
Datum as_datum(const Elements& arguments, const Results& results, Oid type, bool& is_null);

}  // namespace nae::pg
