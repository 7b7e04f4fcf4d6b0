#include "keyserver/policy/masked_form.hpp"

#include <algorithm>

namespace nae::policy {
namespace {

// As mask() counts them: other scripts have digits of their own.
std::size_t digits_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) {
    const auto byte = static_cast<Byte>(c);
    return (byte >= '0' && byte <= '9') || byte >= 0xc0;
  }));
}

bool stays_under(const Mask& mask, ByteView value) {
  Bytes again(max_masked_bytes(value.size()));
  auto size = policy::mask(mask, value, again);
  return size && std::ranges::equal(value, ByteView(again).first(*size));
}

bool is_masked_form(const Mask& mask, ByteView value) {
  const std::string_view text = as_text(value);
  switch (mask.kind) {
    case Mask::Kind::fixed:
      return text == mask.text;
    case Mask::Kind::ends:
      return text.find('*') != text.npos && stays_under(mask, value);
    case Mask::Kind::digits:
      return text.find('*') != text.npos && digits_of(text) <= std::size_t{mask.first} + mask.last;
    case Mask::Kind::email:
      return text.starts_with("***@") ||
             (text.find("***") != text.npos && stays_under(mask, value));
  }
  return false;
}

}  // namespace

bool is_masked_form(std::span<const Mask> masks, ByteView value) {
  return std::ranges::any_of(masks, [&](const Mask& mask) { return is_masked_form(mask, value); });
}

}  // namespace nae::policy
