#include "libnae/envelope/search_input.hpp"

#include <algorithm>

namespace nae {
namespace {

constexpr std::size_t kBitsBytes = 1, kNameLengthBytes = 2;
constexpr int kNames = 3;
// FNV-1a of 32 bits: marks are told apart, not kept secret.
constexpr std::uint32_t kFnvOffset = 0x811c9dc5, kFnvPrime = 0x01000193;
// 1 is the lower bound that every array has by itself.
constexpr std::uint32_t kMarkBits = 24, kLeastMark = 2;

Byte* write_counted(std::string_view name, Byte* out) noexcept {
  store_big_endian(out, static_cast<std::uint16_t>(name.size()));
  return std::ranges::copy(as_bytes(name), out + kNameLengthBytes).out;
}

template <class Length>
bool skip_counted(ByteView& bytes) noexcept {
  if (bytes.size() < sizeof(Length)) return false;
  const std::size_t length = load_big_endian<Length>(bytes.data());
  bytes = bytes.subspan(sizeof(Length));
  if (bytes.size() < length) return false;
  bytes = bytes.subspan(length);
  return true;
}

}  // namespace

std::size_t search_head_bytes(const SearchColumn& column) noexcept {
  return kBitsBytes + kNames * kNameLengthBytes + column.purpose.size() + column.context.size() +
         column.declaration.size();
}

Byte* write_search_head(const SearchColumn& column, Byte* out) noexcept {
  *out++ = static_cast<Byte>(column.bits);
  for (const std::string_view name : {column.purpose, column.context, column.declaration})
    out = write_counted(name, out);
  return out;
}

Byte* write_search_token(std::string_view token, Byte* out) noexcept {
  store_big_endian(out, static_cast<std::uint32_t>(token.size()));
  return std::ranges::copy(as_bytes(token), out + kSearchTokenLengthBytes).out;
}

bool parse_search_input(ByteView bytes, SearchInputView& input) noexcept {
  if (bytes.empty()) return false;
  input.bits = bytes[0];
  if (input.bits < kMinSearchBits || input.bits > kMaxSearchBits) return false;
  ByteView rest = bytes.subspan(kBitsBytes);
  for (int i = 0; i < kNames; ++i)
    if (!skip_counted<std::uint16_t>(rest)) return false;
  input.head = bytes.first(bytes.size() - rest.size());
  input.tokens = rest;
  input.count = 0;
  for (; !rest.empty(); ++input.count)
    if (!skip_counted<std::uint32_t>(rest)) return false;
  return true;
}

ByteView take_search_token(ByteView& tokens) noexcept {
  const std::size_t length = load_big_endian<std::uint32_t>(tokens.data());
  const ByteView token = tokens.subspan(kSearchTokenLengthBytes, length);
  tokens = tokens.subspan(kSearchTokenLengthBytes + length);
  return token;
}

std::uint32_t search_mark(std::string_view key, ByteView head) noexcept {
  std::uint32_t state = kFnvOffset;
  const auto take = [&](Byte byte) { state = (state ^ byte) * kFnvPrime; };
  for (const Byte byte : as_bytes(key)) take(byte);
  take(0);
  for (const Byte byte : head.subspan(kBitsBytes)) take(byte);
  return kLeastMark + ((state >> kMarkBits) ^ (state & ((1U << kMarkBits) - 1))) %
                          ((1U << kMarkBits) - kLeastMark);
}

std::uint32_t search_code(ByteView hmac, unsigned bits) noexcept {
  return load_big_endian<std::uint32_t>(hmac.data()) >> (kMaxSearchBits - bits);
}

}  // namespace nae
