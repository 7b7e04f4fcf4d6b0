#include "keyserver/policy/mask.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::policy {
namespace {

constexpr std::string_view kHiddenPart = "***";  // of an e-mail address; says nothing of its length

// In well-formed UTF-8 every code point has exactly one byte that is no continuation.
bool starts_character(Byte byte) {
  return (byte & 0xc0) != 0x80;
}

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return starts_character(static_cast<Byte>(byte)); }));
}

bool is_digit(Byte byte) {
  return byte >= '0' && byte <= '9';
}

// Other scripts have digits of their own, so whatever is not ASCII counts as one.
bool is_hidden_by_digits(Byte byte) {
  return is_digit(byte) || byte >= 0x80;
}

// Writes a masked form front to back and counts what it shows of the value.
class Masked {
 public:
  explicit Masked(ByteSpan out) : out_(out) {}

  void show(std::string_view text) {
    append(text);
    shown_ += characters_of(text);
  }
  void hide(std::string_view instead = "*") { append(instead); }

  std::size_t size() const { return size_; }
  std::size_t shown() const { return shown_; }

 private:
  void append(std::string_view text) {
    std::ranges::copy(as_bytes(text), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }
  ByteSpan out_;
  std::size_t size_ = 0, shown_ = 0;
};

// Calls `each(character, number)` for the characters that `counts`, numbered from 0, and shows all
// others.
template <class Counts, class Each>
void for_characters(std::string_view value, Masked& masked, Counts counts, Each each) {
  std::size_t number = 0;
  for (std::size_t at = 0; at < value.size();) {
    std::size_t end = at + 1;
    while (end < value.size() && !starts_character(static_cast<Byte>(value[end]))) ++end;
    std::string_view character = value.substr(at, end - at);
    if (counts(static_cast<Byte>(character.front())))
      each(character, number++);
    else
      masked.show(character);
    at = end;
  }
}

// Of the characters that count, keeps `first` and `last`: none when these are all there are.
template <class Counts>
void keep_ends(const Mask& mask, std::string_view value, Masked& masked, Counts counts) {
  std::size_t total = 0;
  for (char byte : value)
    if (starts_character(static_cast<Byte>(byte)) && counts(static_cast<Byte>(byte))) ++total;
  bool keeps_some = total > std::size_t{mask.first} + mask.last;
  for_characters(value, masked, counts, [&](std::string_view character, std::size_t number) {
    if (keeps_some && (number < mask.first || number >= total - mask.last))
      masked.show(character);
    else
      masked.hide();
  });
}

// What stands behind the last '@' is shown only when it can be a host's name: a sentence that
// happens to hold an '@' is no address.
bool is_domain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(static_cast<Byte>(c)) ||
           c == '.' || c == '-' || static_cast<Byte>(c) >= 0x80;
  });
}

void keep_domain(std::string_view value, Masked& masked) {
  std::size_t at = value.rfind('@');
  if (at == std::string_view::npos || at == 0 || !is_domain(value.substr(at + 1)))
    return masked.hide(kHiddenPart);
  std::string_view local = value.substr(0, at);
  std::size_t first = 1;
  while (first < local.size() && !starts_character(static_cast<Byte>(local[first]))) ++first;
  if (first < local.size()) masked.show(local.substr(0, first));
  masked.hide(kHiddenPart);
  masked.show(value.substr(at));
}

Masked apply(const Mask& mask, std::string_view value, ByteSpan out) {
  Masked masked(out);
  switch (mask.kind) {
    case Mask::Kind::fixed:
      masked.hide(mask.text);
      break;
    case Mask::Kind::email:
      keep_domain(value, masked);
      break;
    case Mask::Kind::ends:
      keep_ends(mask, value, masked, [](Byte) { return true; });
      break;
    case Mask::Kind::digits:
      keep_ends(mask, value, masked, is_hidden_by_digits);
      break;
  }
  return masked;
}

Result<void> check(std::span<const Mask> masks, ByteView value, ByteSpan out) {
  if (masks.empty()) return fail(Code::internal, "no mask was given");
  if (out.size() < max_masked_bytes(value.size()))
    return fail(Code::internal, "the room for a masked value is too small");
  if (!is_utf8(as_text(value)))
    return fail(Code::value_not_text, "the value is not well-formed UTF-8, so it cannot be masked");
  return {};
}

}  // namespace

std::size_t max_masked_bytes(std::size_t value_bytes) {
  return std::max(value_bytes + kHiddenPart.size(), kMaxMaskTextBytes);
}

Result<std::size_t> mask(const Mask& mask, ByteView value, ByteSpan out) {
  NAE_TRY(check({&mask, 1}, value, out));
  return apply(mask, as_text(value), out).size();
}

Result<std::size_t> mask(std::span<const Mask> masks, ByteView value, ByteSpan out) {
  NAE_TRY(check(masks, value, out));
  const Mask* best = &masks.front();
  Masked masked = apply(*best, as_text(value), out);
  if (masks.size() == 1) return masked.size();
  std::size_t fewest = masked.shown();
  for (const Mask& other : masks.subspan(1)) {
    std::size_t shown = apply(other, as_text(value), out).shown();
    if (shown > fewest || (shown == fewest && !(other < *best))) continue;
    best = &other;
    fewest = shown;
  }
  // What a longer form wrote behind the answer must not stay in a buffer that travels.
  std::ranges::fill(out.first(max_masked_bytes(value.size())), Byte{0});
  return apply(*best, as_text(value), out).size();
}

}  // namespace nae::policy
