#include "gateway/inspection/form_scanner.hpp"

#include <algorithm>

#include "gateway/inspection/percent.hpp"
#include "gateway/inspection/selector.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

Understood<std::string> decode_part(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      const auto byte = percent_byte(text.substr(at));
      if (!byte) return refuse(400, "form_malformed", "a '%' without two hexadecimal digits");
      c = static_cast<char>(*byte);
      at += 2;
    } else if (c <= ' ' || c >= 0x7f || c == ';') {
      return refuse(400, "form_malformed", "a character that a form must write as %XX");
    }
    if (c == '\0') return refuse(400, "form_malformed", "the character U+0000");
    out += c;
  }
  if (!is_utf8(out)) return refuse(400, "form_encoding", "a name or value is not UTF-8");
  return out;
}

std::string leniently_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = percent_byte(text.substr(at));
    out += byte ? static_cast<char>(*byte) : text[at] == '+' ? ' ' : text[at];
    if (byte) at += 2;
  }
  return out;
}

// In a charset that a reader takes the form for it may be nothing.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < ' ' || byte == 0x7f;
}

bool is_separator(char c) {
  return c == '[' || c == ']' || c == '.' || c == ' ' || c == '(';
}

std::string with_underscores(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (is_separator(c)) c = '_';
  return out;
}

}  // namespace

Understood<void> scan_form(std::string_view text, const FormVisitor& visit) {
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('&', at), text.size());
    const std::string_view pair = text.substr(at, end - at);
    if (!pair.empty()) {
      const std::size_t equals = std::min(pair.find('='), pair.size());
      const std::size_t value = std::min(equals + 1, pair.size());
      FormField field{{}, {}, at + value, end};
      auto name = decode_part(pair.substr(0, equals));
      if (!name) return tl::unexpected(name.error());
      auto decoded = decode_part(pair.substr(value));
      if (!decoded) return tl::unexpected(decoded.error());
      field.name = *std::move(name);
      if (std::ranges::any_of(field.name, is_control))
        return refuse(400, "form_malformed", "a control character in the name of a field");
      field.value = *std::move(decoded);
      NAE_UNDERSTAND(visit(field));
    }
    at = end + 1;
  }
  return {};
}

std::string form_encoded(std::string_view text) {
  return percent_encoded(text);
}

bool is_form_variant(std::string_view name, std::string_view field) {
  if (name == field) return false;
  // PHP drops blanks before a name, and makes '_' of blanks, points and an unclosed '['; to Spring
  // !card is what card is when it is not there, and to Rails card(1) a piece of it.
  const std::size_t from = std::min(name.find_first_not_of(" [].!"), name.size());
  name.remove_prefix(from);
  while (!field.empty() && is_separator(field.back())) field.remove_suffix(1);
  const std::string own = with_underscores(field), read = with_underscores(name);
  // A reader that makes structures of names looks at the head alone: card[0], card.number.
  // Of equal names the longer one has at most three bytes for one (equal_names).
  const std::size_t last = std::min(read.size(), 3 * own.size());
  for (std::size_t end = 1; end <= last; ++end) {
    const bool may_end = end == read.size() || is_separator(name[end]);
    if (may_end && equal_names(std::string_view(read).substr(0, end), own)) return true;
  }
  return false;
}

bool may_have_field(std::string_view query, std::string_view field) {
  for (std::size_t at = 0; at <= query.size();) {
    const std::size_t end = std::min(query.find_first_of("&;", at), query.size());
    const std::string_view piece = query.substr(at, end - at);
    const std::string name = leniently_decoded(piece.substr(0, piece.find('=')));
    if (name == field || is_form_variant(name, field)) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace nae::gateway
