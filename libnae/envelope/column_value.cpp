#include "libnae/envelope/column_value.hpp"

#include <algorithm>

namespace nae {
namespace {

constexpr std::size_t kTypePlace = 1;
constexpr std::size_t kContextPlace = 2;

}  // namespace

bool parse_column_value(ByteView bytes, ColumnValueView& value) noexcept {
  if (bytes.size() < kColumnHeaderBytes || bytes[0] != kColumnFormat ||
      !is_plain_type(bytes[kTypePlace]))
    return false;
  value.envelope = bytes.subspan(kColumnHeaderBytes);
  // Asked first: a failed parse makes an error in words, and this is asked of plaintexts too.
  if (!looks_like_envelope(value.envelope)) return false;
  auto envelope = parse_envelope(value.envelope);
  if (!envelope) return false;
  value.type = static_cast<PlainType>(bytes[kTypePlace]);
  value.header = bytes.first(kColumnHeaderBytes);
  std::copy_n(bytes.begin() + kContextPlace, kContextTagBytes, value.context.begin());
  value.format = envelope->format;
  value.key = envelope->key;
  return true;
}

ColumnHeader column_header(PlainType type, const ContextTag& context) noexcept {
  ColumnHeader header{kColumnFormat, static_cast<Byte>(type)};
  std::copy(context.begin(), context.end(), header.begin() + kContextPlace);
  return header;
}

ColumnAad column_aad(ByteView header) noexcept {
  ColumnAad aad;
  auto end = std::copy(kColumnLabel.begin(), kColumnLabel.end(), aad.begin());
  std::copy_n(header.begin(), kColumnHeaderBytes, end);
  return aad;
}

}  // namespace nae
