// Modifiers: the words in nae.enc_text('KEY', 'context=TEXT') and what they come to as numbers.
#pragma once

#include "libnae/envelope/column_value.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

struct Modifiers {
  const char* key = nullptr;
  const char* context = "";  // at most 128 bytes
  int version = 0;           // of a deterministic type: 1 to 65,535
};

// Of the cstring[] that the parser passes to a type's TYPMOD_IN. Raises when it is not well-formed.
Modifiers read_modifiers(ArrayType* array, bool deterministic);

// SHA-256 of key and context, its first bytes: what ciphertexts carry.
ContextTag tag_of(const Modifiers& modifiers);
// SHA-256 of all three, its first 31 bits: a typmod below zero is none.
int32 typmod_of(const Modifiers& modifiers);

}  // namespace nae::columns
