// Text between the database's encoding and UTF-8, the encoding of every encrypted text.
#pragma once

#include "libnae/base/bytes.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// The same bytes when nothing needs converting, else new ones in the current memory context.
// Code::invalid_encoding, without quoting the value as PostgreSQL's own error would. `item` as in
// raise().
ByteView to_utf8(ByteView text, std::uint64_t item = 0);
ByteView from_utf8(ByteView utf8, std::uint64_t item = 0);

// The same, answering false instead of raising.
bool try_to_utf8(ByteView text, ByteView& utf8);
bool try_from_utf8(ByteView utf8, ByteView& text);

// For texts that are shown, not kept: what cannot be converted becomes '?'.
char* shown_from_utf8(const char* utf8);

}  // namespace nae::pg
