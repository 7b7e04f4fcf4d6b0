// The written forms of masks: parse_mask() and to_text().
#include <algorithm>
#include <charconv>

#include "keyserver/policy/mask.hpp"
#include "libnae/base/text.hpp"

namespace nae::policy {
namespace {

constexpr std::string_view kForms =
    "a mask is mask(first=N, last=N), mask(text=\"...\"), mask(email) or mask(digits, last=N)";

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Code::policy_invalid, std::move(reason) + "; " + std::string(kForms));
}

// Takes the written form apart, front to back.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool take(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }
  Result<std::uint32_t> count() {
    skip_spaces();
    std::uint32_t value = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{} || value > kMaxMaskKeptCharacters)
      return refuse("a mask keeps 0 to " + std::to_string(kMaxMaskKeptCharacters) + " characters");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  Result<std::string> quoted_text() {
    std::size_t end = std::string_view::npos;
    if (take("\"")) end = rest_.find('"');
    if (end == std::string_view::npos) return refuse("the text of a mask stands in quotes");
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    bool has_controls = std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (text.empty() || text.size() > kMaxMaskTextBytes || has_controls || !is_utf8(text))
      return refuse("the text of a mask has 1 to " + std::to_string(kMaxMaskTextBytes) +
                    " bytes of UTF-8 and no control characters");
    return std::string(text);
  }

 private:
  void skip_spaces() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

// "first=N, last=N", either of them, each once.
Result<void> read_counts(Reader& reader, Mask& mask) {
  bool has_first = false, has_last = false;
  do {
    if (!has_first && reader.take("first")) {
      has_first = true;
      if (!reader.take("=")) return refuse("a number is missing");
      NAE_ASSIGN(mask.first, reader.count());
    } else if (!has_last && reader.take("last")) {
      has_last = true;
      if (!reader.take("=")) return refuse("a number is missing");
      NAE_ASSIGN(mask.last, reader.count());
    } else {
      return refuse("\"first\" or \"last\" is missing");
    }
  } while (reader.take(","));
  return {};
}

}  // namespace

Result<Mask> parse_mask(std::string_view written) {
  Reader reader(written);
  Mask mask;
  if (!reader.take("mask") || !reader.take("(")) return refuse("it does not start with mask(");
  if (reader.take("email")) {
    mask.kind = Mask::Kind::email;
  } else if (reader.take("text")) {
    if (!reader.take("=")) return refuse("the text is missing");
    NAE_ASSIGN(mask.text, reader.quoted_text());
  } else if (reader.take("digits")) {
    mask.kind = Mask::Kind::digits;
    if (reader.take(",")) NAE_TRY(read_counts(reader, mask));
  } else {
    mask.kind = Mask::Kind::ends;
    NAE_TRY(read_counts(reader, mask));
  }
  if (!reader.take(")") || !reader.at_end()) return refuse("it does not end with )");
  return mask;
}

std::string to_text(const Mask& mask) {
  std::string counts;
  if (mask.first != 0) counts = "first=" + std::to_string(mask.first);
  if (mask.last != 0) counts += (counts.empty() ? "last=" : ", last=") + std::to_string(mask.last);
  switch (mask.kind) {
    case Mask::Kind::fixed:
      return "mask(text=\"" + mask.text + "\")";
    case Mask::Kind::email:
      return "mask(email)";
    case Mask::Kind::ends:
      return "mask(" + (counts.empty() ? "first=0" : counts) + ")";
    case Mask::Kind::digits:
      return "mask(digits" + (counts.empty() ? "" : ", " + counts) + ")";
  }
  return "mask()";
}

}  // namespace nae::policy
