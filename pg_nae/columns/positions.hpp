// Positions: what the raw text says of each column reference, by its location in the text.
//
// Most references stand in expressions and are resolved as plaintexts. Where a reference stands
// alone, the stored value itself is wanted: it is decrypted later, for fewer rows, or never.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

// How a reference to an encrypted column is resolved.
enum class Standing {
  plaintext,           // in an expression
  cast,                // of a cast that somebody wrote: the plaintext is asked for by name
  stored,              // an output column, a key of GROUP BY or ORDER BY, of IS NULL
  stored_if_equal_so,  // of IN (SELECT ...): deterministic values are compared as they are stored
};

struct Positions {
  Bitmapset* casts = nullptr;
  Bitmapset* stored = nullptr;
  Bitmapset* stored_if_equal_so = nullptr;
  Bitmapset* plaintexts = nullptr;  // these after all

  Standing at(int location) const;
};

// Of the raw statement.
Positions positions_in(Node* statement);

// Adds what only the first analysis knows: functions that take an encrypted type by their
// declaration want the stored value; branches of a set operation that do not agree, the plaintext.
void add_positions_of(Query* query, Positions& positions);

// A key that is written like an output is one with it after the first analysis, which then knows
// the output's positions alone: the key's are the same, so that they are found equal again.
void add_positions_of_equal_keys(Node* statement, Positions& positions);

}  // namespace nae::columns
