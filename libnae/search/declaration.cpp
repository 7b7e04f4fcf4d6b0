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
    {Kind::word, "word"},   {Kind::whole, "whole"},   {Kind::domain, "domain"},
    {Kind::last4, "last4"}, {Kind::bucket, "bucket"},
};

struct UnitRow {
  Unit unit;
  std::string_view name;
};
constexpr UnitRow kUnits[] = {
    {Unit::day, "day"},         {Unit::week, "week"}, {Unit::month, "month"},
    {Unit::quarter, "quarter"}, {Unit::year, "year"},
};

std::string_view name_of(Kind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return row.name;
  return {};
}

std::string_view name_of(Unit unit) {
  for (const UnitRow& row : kUnits)
    if (row.unit == unit) return row.name;
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

constexpr unsigned kOne = 1000;

// "1.02"
std::string as_ratio(unsigned thousandths) {
  std::string digits = std::to_string(kOne + thousandths % kOne).substr(1);
  digits.erase(digits.find_last_not_of('0') + 1);
  return std::to_string(thousandths / kOne) + '.' + digits;
}

std::string bucket_to_text(const Declaration& declaration) {
  const std::string width = declaration.unit != Unit::none
                                ? "unit=" + std::string(name_of(declaration.unit))
                                : "ratio=" + as_ratio(declaration.thousandths);
  return "bucket(" + width + ", bits=" + std::to_string(declaration.bits) + ')';
}

// False where it is no bucket's; of its parts none is read twice.
bool read_bucket(std::string_view text, Declaration& read) {
  if (!take(text, "bucket(")) return false;
  if (take(text, "unit=")) {
    const auto unit = unit_from_name(text.substr(0, text.find(',')));
    if (!unit) return false;
    read.unit = *unit;
    text.remove_prefix(name_of(*unit).size());
  } else {
    std::size_t digits = 0;
    if (!take(text, "ratio=1.")) return false;
    unsigned part = 0;
    for (; digits < text.size() && digits < 3 && text[digits] >= '0' && text[digits] <= '9';
         ++digits)
      part = part * 10 + static_cast<unsigned>(text[digits] - '0');
    text.remove_prefix(digits);
    for (; digits < 3; ++digits) part *= 10;
    read.thousandths = kOne + part;
    if (read.thousandths < kMinThousandths || read.thousandths > kMaxThousandths) return false;
  }
  return take(text, ", bits=") && take_number(text, read.bits) && read.bits >= kMinBits &&
         read.bits <= kMaxBits;
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

std::optional<Unit> unit_from_name(std::string_view name) {
  for (const UnitRow& row : kUnits)
    if (row.name == name) return row.unit;
  return std::nullopt;
}

std::string to_text(const Declaration& declaration) {
  if (declaration.kind == Kind::bucket) return bucket_to_text(declaration);
  std::string text = before_unicode(declaration);
  text += unicode_version();
  return text + ')';
}

std::optional<Declaration> parse_declaration(std::string_view text, Unread& why) {
  why = Unread::malformed;
  Declaration read;
  std::string_view rest = text;
  if (!take_kind(rest, read.kind) || !take(rest, "(")) return std::nullopt;
  if (read.kind == Kind::bucket) {
    if (!read_bucket(text, read) || text != bucket_to_text(read)) return std::nullopt;
    return read;
  }
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
