#include "libnae/search/fold.hpp"

#include <utf8proc.h>

namespace nae::search {
namespace {

constexpr char32_t kDotlessI = 0x131;
constexpr char32_t kReplacement = 0xfffd;
constexpr auto kFolding =
    static_cast<utf8proc_option_t>(UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
                                   UTF8PROC_STRIPMARK | UTF8PROC_IGNORE);

// ASCII is most of what is folded, and is what the tables say of it.
constexpr char32_t kAsciiEnd = 0x80;
bool is_ascii_upper(char32_t point) {
  return point >= U'A' && point <= U'Z';
}

utf8proc_int32_t as_number(char32_t point) {
  return static_cast<utf8proc_int32_t>(point);
}

}  // namespace

std::string_view unicode_version() {
  return utf8proc_unicode_version();
}

int fold(char32_t point, char32_t* out) {
  if (point < kAsciiEnd) {
    out[0] = is_ascii_upper(point) ? point - U'A' + U'a' : point;
    return 1;
  }
  if (point == kDotlessI) point = U'i';
  utf8proc_int32_t folded[kMaxFolded];
  int last_class = UTF8PROC_BOUNDCLASS_START;
  const auto count =
      utf8proc_decompose_char(as_number(point), folded, kMaxFolded, kFolding, &last_class);
  if (count < 0 || count > kMaxFolded) {
    out[0] = point;
    return 1;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    const auto part = static_cast<char32_t>(folded[i]);
    out[i] = part == kDotlessI ? U'i' : part;
  }
  return static_cast<int>(count);
}

bool is_letter(char32_t folded) {
  if (folded < kAsciiEnd)
    return (folded >= U'a' && folded <= U'z') || (folded >= U'0' && folded <= U'9') ||
           is_ascii_upper(folded);
  switch (utf8proc_category(as_number(folded))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

bool has_settled_case(char32_t point) {
  if (point < kAsciiEnd) return true;
  return utf8proc_tolower(as_number(point)) != as_number(point) ||
         utf8proc_toupper(as_number(point)) != as_number(point);
}

char32_t take_point(std::string_view& text) {
  if (const auto first = static_cast<unsigned char>(text[0]); first < kAsciiEnd) {
    text.remove_prefix(1);
    return first;
  }
  utf8proc_int32_t point = -1;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &point);
  if (bytes <= 0) {
    text.remove_prefix(1);
    return kReplacement;
  }
  text.remove_prefix(static_cast<std::size_t>(bytes));
  return static_cast<char32_t>(point);
}

void append_utf8(char32_t point, std::string& out) {
  if (point < kAsciiEnd) return out.push_back(static_cast<char>(point));
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(as_number(point), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

}  // namespace nae::search
