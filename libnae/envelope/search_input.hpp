// What the codes of one value in a search index are computed of, an item of a search request:
//   bits (1) || purpose || context || declaration, each after its length (2) || tokens, each after
//   its length (4)
// Layout only; docs/spec/envelope.md, "Search indexes". A code is of all that stands before the
// tokens and of one token, so that two columns never share one.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "libnae/base/bytes.hpp"

namespace nae {

inline constexpr std::size_t kSearchCodeBytes = 4;
inline constexpr std::size_t kMaxSearchNameBytes = 65535;
inline constexpr unsigned kMinSearchBits = 12, kMaxSearchBits = 32;

// What a column's codes are of beside the tokens. Each text at most kMaxSearchNameBytes long.
struct SearchColumn {
  unsigned bits = 0;
  std::string_view purpose, context, declaration;
};
std::size_t search_head_bytes(const SearchColumn& column) noexcept;
// Both answer where the next one goes.
Byte* write_search_head(const SearchColumn& column, Byte* out) noexcept;
inline constexpr std::size_t kSearchTokenLengthBytes = 4;
Byte* write_search_token(std::string_view token, Byte* out) noexcept;

// Views into the item.
struct SearchInputView {
  unsigned bits = 0;
  ByteView head;    // all before the tokens
  ByteView tokens;  // well-formed
  std::uint32_t count = 0;
};
// False when the bytes are no such input.
bool parse_search_input(ByteView bytes, SearchInputView& input) noexcept;
// The next token of input.tokens, which is not empty.
ByteView take_search_token(ByteView& tokens) noexcept;

// By which a database tells codes of one index from those of another: they are numbers alone. Of
// the key's name and version and all of the head but the bits, which the declaration names. From 2
// to 2^24 - 1.
std::uint32_t search_mark(std::string_view key, ByteView head) noexcept;

// The first `bits` bits of an HMAC.
std::uint32_t search_code(ByteView hmac, unsigned bits) noexcept;

}  // namespace nae
