// KeyIds: which key a name stands for, as the key server says. A ciphertext names its key by an id
// that is never given twice; a column names it by a name, which a key of another installation has
// too.
#pragma once

#include "pg_nae/columns/value.hpp"

namespace nae::columns {

// `unknown`: nobody said it, or the role has no right with the key.
enum class OfKey : std::uint8_t { yes, no, unknown };

// Whether the ciphertext is of the key that the name stands for, as far as it is known already.
OfKey known_to_be_of(const ColumnKey& key, const Value& ciphertext);
// Asks the key server for the ids of all keys that the role may use, at most once a minute, and for
// a `no` once a statement. Without an answer it is unknown: what is dumped can be restored where no
// key server is.
OfKey is_of(const ColumnKey& key, const Value& ciphertext);

// Of a column that is declared: a NOTICE where the key server tells this role of keys and not of
// this one, once a declaration and session. Never fails for want of an answer; waits a second for
// it at most, and then not again for a minute.
void notice_missing_key(const ColumnKey& key);

[[noreturn]] void raise_foreign(const ColumnKey& key);
// Ciphertexts are taken without having been compared: a WARNING, once a column and session.
void warn_not_compared(const ColumnKey& key);

}  // namespace nae::columns
