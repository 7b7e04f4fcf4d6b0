// HiddenText: what an error of PostgreSQL may say when values of encrypted columns were at hand.
// Built-in functions quote what they cannot read, and the text goes to clients and into the log.
#pragma once

#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// What the statement that raised the error had in its hands.
struct ValuesAtHand {
  bool any;        // decrypted values, or some that were to be encrypted
  bool decrypted;  // these may stand in any column of a row by now
};

// Takes out of `error` what may quote a value. What is left is on a list of what is known to hold
// none. False when nothing had to be changed. Memory is the current context's.
bool hide_values(ErrorData& error, ValuesAtHand at_hand);

}  // namespace nae::pg
