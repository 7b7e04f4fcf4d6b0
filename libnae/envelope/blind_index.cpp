#include "libnae/envelope/blind_index.hpp"

#include <algorithm>

namespace nae {
namespace {

constexpr std::size_t kLengthBytes = 2;

Byte* write_name(std::string_view name, Byte* out) noexcept {
  store_big_endian(out, static_cast<std::uint16_t>(name.size()));
  return std::ranges::copy(as_bytes(name), out + kLengthBytes).out;
}

}  // namespace

void write_blind_index_header(Byte* out, Format format, std::uint16_t version) noexcept {
  out[0] = static_cast<Byte>(format);
  store_big_endian(out + 1, version);
}

bool parse_blind_index_code(ByteView bytes, BlindIndexCodeView& code) noexcept {
  if (bytes.size() != kBlindIndexCodeBytes) return false;
  code.format = static_cast<Format>(bytes[0]);
  code.version = load_big_endian<std::uint16_t>(bytes.data() + 1);
  code.index = bytes.last(kBlindIndexBytes);
  return code.version != 0 &&
         (code.format == Format::blind_index || code.format == Format::blind_index_hsm);
}

std::size_t blind_index_input_bytes(std::string_view purpose, std::string_view context,
                                    ByteView value) noexcept {
  return kLengthBytes + purpose.size() + kLengthBytes + context.size() + value.size();
}

void write_blind_index_input(std::string_view purpose, std::string_view context, ByteView value,
                             Byte* out) noexcept {
  std::ranges::copy(value, write_name(context, write_name(purpose, out)));
}

}  // namespace nae
