// ColumnKey: what the modifiers of an encrypted type say, nae.enc_text('customer-pii',
// 'context=…'): which key, which context and, of a deterministic column, which key version. A
// typmod is a hash of them; table nae_internal.column_key has their words.
#pragma once

#include "libnae/envelope/column_value.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

struct ColumnKey {
  int32 typmod;
  std::string_view key;        // name
  std::string_view context;    // empty: none
  int version;                 // 0: randomized, under the newest version
  std::string_view reference;  // for requests: the name, with the version of a deterministic column
  ContextTag tag;              // of key and context

  bool deterministic() const { return version != 0; }
};

// Of a column's typmod, as long as the backend lives. Raises for a typmod that is none of ours.
const ColumnKey& column_key(int32 typmod);

// The typmod of modifiers as they were written. Code::invalid_argument for others than the
// documented ones.
int32 register_column_key(ArrayType* modifiers, bool deterministic);

struct Modifiers;
// Every declaration that this database knows. `visit` raises or returns; the words are memory of
// the current context.
void each_declaration(void (*visit)(const Modifiers& declared, void* state), void* state);

// Writes down again what this backend knows of a typmod and a rolled back transaction took away.
void keep_column_key(int32 typmod);

// "('customer-pii','version=2')"
char* modifiers_in_words(int32 typmod);

}  // namespace nae::columns
