// Codes of blind indexes, format 2, and what they are computed of. Layout only;
// docs/spec/envelope.md, "Blind indexes".
#pragma once

#include <string_view>

#include "libnae/envelope/envelope.hpp"

namespace nae {

inline constexpr std::size_t kBlindIndexBytes = 16;  // of the HMAC; all of a code of format 1
inline constexpr std::size_t kBlindIndexHeaderBytes = 1 + 2;  // format, version
inline constexpr std::size_t kBlindIndexCodeBytes = kBlindIndexHeaderBytes + kBlindIndexBytes;

// The key is named by who keeps the codes: one column has one.
void write_blind_index_header(Byte* out, Format format, std::uint16_t version) noexcept;

// What a code says of itself. False when the bytes are no code of format 2.
struct BlindIndexCodeView {
  Format format{};
  std::uint16_t version = 0;
  ByteView index;  // kBlindIndexBytes
};
bool parse_blind_index_code(ByteView bytes, BlindIndexCodeView& code) noexcept;

// Purpose and context with their lengths before them, then the value: two different triples never
// make one input, so that equal values of two columns have different codes. Each of both at most
// kMaxBlindIndexNameBytes long.
inline constexpr std::size_t kMaxBlindIndexNameBytes = 65535;
std::size_t blind_index_input_bytes(std::string_view purpose, std::string_view context,
                                    ByteView value) noexcept;
void write_blind_index_input(std::string_view purpose, std::string_view context, ByteView value,
                             Byte* out) noexcept;

}  // namespace nae
