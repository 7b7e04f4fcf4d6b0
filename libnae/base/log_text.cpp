#include "libnae/base/log_text.hpp"

#include <cstdint>

namespace nae {
namespace {

// The code point at the start of `text` and its bytes; 0 bytes when it is no UTF-8 (RFC 3629).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;
};
CodePoint code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (bytes == 0 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < kLeast[bytes] || value > 0x10ffff || surrogate) return {};
  return {value, bytes};
}

bool is_control(std::uint32_t value) {
  return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x200e && value <= 0x200f) ||
         (value >= 0x2028 && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
}

void append_escape(std::string& out, std::uint32_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[value >> shift & 15];
}

std::string escaped(std::string_view text, bool in_quotes) {
  std::string out;
  out.reserve(text.size() + 2);
  while (!text.empty()) {
    const CodePoint next = code_point(text);
    if (next.bytes == 0)
      out += "\xef\xbf\xbd";
    else if (is_control(next.value))
      append_escape(out, next.value);
    else if (in_quotes && (next.value == '"' || next.value == '\\'))
      out += '\\', out += static_cast<char>(next.value);
    else
      out += text.substr(0, next.bytes);
    text.remove_prefix(next.bytes == 0 ? 1 : next.bytes);
  }
  return out;
}

}  // namespace

std::string without_controls(std::string_view text) {
  return escaped(text, false);
}

std::string quoted_text(std::string_view text) {
  return '"' + escaped(text, true) + '"';
}

}  // namespace nae
