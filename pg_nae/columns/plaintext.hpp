// Plaintext: the values of the types that columns can encrypt, between PostgreSQL's form and the
// canonical binary form that is encrypted (docs/spec/column.md).
#pragma once

#include "libnae/envelope/column_value.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

Oid plain_oid(PlainType type);
// Arrays of the type. An array of arrays is an array of more dimensions, and of the same type.
Oid plain_array_oid(PlainType type);

// The canonical form of a value, in the current memory context or a view of the value itself. Equal
// numbers have equal forms where `deterministic`. Raises for text that is no UTF-8.
ByteView canonical_form(PlainType type, Datum value, bool deterministic);

// The value of a canonical form that was authenticated. Code::invalid_encoding for text that the
// database's encoding lacks.
Datum plain_value(PlainType type, ByteView canonical);

// The canonical form of what the type's own input or receive function makes of the input. Its
// errors quote the value; these do not.
ByteView canonical_from_text(PlainType type, char* text, bool deterministic);
ByteView canonical_from_binary(PlainType type, StringInfo message, bool deterministic);
// As the type's own output function writes it.
char* text_of(PlainType type, ByteView canonical);

}  // namespace nae::columns
