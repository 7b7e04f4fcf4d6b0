#include "libnae/search/declaration.hpp"

#include <charconv>

#include "libnae/search/fold.hpp"

namespace nae::search {
namespace {

struct KindRow {
  Kind kind;
  std::string_view name;
};
constexpr KindRow kKinds[] = {
    {Kind::word, "word"},
    {Kind::whole, "whole"},
    {Kind::domain, "domain"},
    {Kind::last4, "last4"},
};

std::string_view name_of(Kind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return row.name;
  return {};
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool take_number(std::string_view& text, unsigned& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_kind(std::string_view& text, Kind& kind) {
  for (const KindRow& row : kKinds) {
    if (!text.starts_with(row.name)) continue;
    kind = row.kind;
    return take(text, row.name);
  }
  return false;
}

std::string before_unicode(const Declaration& declaration) {
  std::string text(name_of(declaration.kind));
  text += '(';
  if (declaration.kind == Kind::word)
    text += "letters=" + std::to_string(declaration.letters) + ", ";
  return text + "bits=" + std::to_string(declaration.bits) + ", unicode=";
}

bool is_in_range(const Declaration& declaration) {
  const bool letters_fit = declaration.kind != Kind::word || (declaration.letters >= kMinLetters &&
                                                              declaration.letters <= kMaxLetters);
  return letters_fit && declaration.bits >= kMinBits && declaration.bits <= kMaxBits;
}

}  // namespace

std::optional<Kind> kind_from_name(std::string_view name) {
  for (const KindRow& row : kKinds)
    if (row.name == name) return row.kind;
  return std::nullopt;
}

std::string to_text(const Declaration& declaration) {
  std::string text = before_unicode(declaration);
  text += unicode_version();
  return text + ')';
}

std::optional<Declaration> parse_declaration(std::string_view text, Unread& why) {
  why = Unread::malformed;
  Declaration read;
  std::string_view rest = text;
  if (!take_kind(rest, read.kind) || !take(rest, "(")) return std::nullopt;
  if (read.kind == Kind::word &&
      (!take(rest, "letters=") || !take_number(rest, read.letters) || !take(rest, ", ")))
    return std::nullopt;
  if (!take(rest, "bits=") || !take_number(rest, read.bits) || !is_in_range(read))
    return std::nullopt;
  // Written in one way alone: the text itself goes into the codes.
  if (!text.starts_with(before_unicode(read)) || !text.ends_with(')')) return std::nullopt;
  if (text == to_text(read)) return read;
  why = Unread::other_unicode;
  return std::nullopt;
}

}  // namespace nae::search
