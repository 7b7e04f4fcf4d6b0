// CanonicalForm: how values of one plaintext type become the bytes that are encrypted, and come
// back (docs/spec/column.md). One row for each type; a type without one does not compile. Arrays
// are made of the forms of their elements (canonical_array.hpp).
#pragma once

#include "libnae/envelope/plain_type.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

struct CanonicalForm {
  PlainType type;
  Oid oid;
  Oid array_oid;
  // In the current memory context, or a view of the value. Equal values have equal forms where
  // `deterministic`.
  ByteView (*write)(Datum value, bool deterministic);
  // Raises for bytes that are no canonical form: who can encrypt is not always this code.
  Datum (*read)(PlainType type, ByteView canonical);
};

// Of an array type that of its elements.
const CanonicalForm& canonical_form_of(PlainType type);

[[noreturn]] void raise_malformed(PlainType type);

}  // namespace nae::columns
