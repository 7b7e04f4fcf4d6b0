// CanonicalArray: arrays of a plaintext type as the bytes that are encrypted (docs/spec/column.md):
// the dimensions, then the canonical form of each element.
#pragma once

#include "libnae/envelope/plain_type.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::columns {

ByteView array_form(PlainType element, Datum array);
// Raises for bytes that are no canonical form, of whatever length.
Datum array_value(PlainType element, ByteView canonical);

}  // namespace nae::columns
