// ColumnValue: what stands in an encrypted column: a header that says which plaintext type and
// which column context the value is of, and the envelope. Layout only; docs/spec/column.md.
#pragma once

#include "libnae/envelope/envelope.hpp"
#include "libnae/envelope/plain_type.hpp"

namespace nae {

// First byte of a column value: format 1. No text in UTF-8 begins with it, and no envelope.
inline constexpr Byte kColumnFormat = 0xe1;
inline constexpr std::size_t kContextTagBytes = 4;
inline constexpr std::size_t kColumnHeaderBytes = 2 + kContextTagBytes;  // format, type, tag

using ContextTag = std::array<Byte, kContextTagBytes>;
using ColumnHeader = std::array<Byte, kColumnHeaderBytes>;

// Associated data of the envelope: the label, then the header. What the header says is thereby
// authenticated, and no value that was encrypted otherwise opens as a column's.
inline constexpr std::string_view kColumnLabel = "nae-column";
inline constexpr std::size_t kColumnAadBytes = kColumnLabel.size() + kColumnHeaderBytes;
using ColumnAad = std::array<Byte, kColumnAadBytes>;

struct ColumnValueView {
  PlainType type{};
  ContextTag context{};
  ByteView header;    // kColumnHeaderBytes
  ByteView envelope;  // header and all
  Format format{};
  KeyVersionId key;

  bool deterministic() const { return format == Format::aes_256_siv; }
};

// False when the bytes are no column value of a known format and type.
bool parse_column_value(ByteView bytes, ColumnValueView& value) noexcept;

ColumnHeader column_header(PlainType type, const ContextTag& context) noexcept;
ColumnAad column_aad(ByteView header) noexcept;  // of kColumnHeaderBytes

}  // namespace nae
