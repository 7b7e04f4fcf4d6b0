// The CHECK that lets only ciphertext into an encrypted column: which columns lack it, and what is
// in its place when a column is encrypted no longer.
#pragma once

#include "pg_nae/columns/column_type.hpp"

namespace nae::columns {

// As it is written, under a name that is free; validated.
Constraint* ciphertext_check(Oid table, const char* column);

// What a table's CHECK constraints say of its encrypted columns.
struct Checks {
  Bitmapset*
      checked;  // numbers of columns that have one, counted from FirstLowInvalidHeapAttributeNumber
  bool idle;    // one is left of a column that is encrypted no longer
  bool misled;  // one would look at ciphertext
};
Checks read_checks(Relation table);

// Adds those that are missing to a table that is locked, and that nobody in this session has open.
void add_ciphertext_checks(Oid table, const Bitmapset* checked);

}  // namespace nae::columns
