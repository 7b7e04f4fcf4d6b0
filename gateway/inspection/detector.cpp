#include "gateway/inspection/detector.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string>

#include "gateway/inspection/ascii.hpp"
#include "gateway/inspection/national_number.hpp"

namespace nae::gateway {
namespace {

struct IssuerRange {
  unsigned first, last;     // of the first six digits
  std::size_t least, most;  // digits in all
};
// Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay, Maestro.
constexpr IssuerRange kIssuers[] = {
    {400000, 499999, 13, 19}, {510000, 559999, 16, 16}, {222100, 272099, 16, 16},
    {340000, 349999, 15, 15}, {370000, 379999, 15, 15}, {300000, 305999, 14, 19},
    {360000, 369999, 14, 19}, {380000, 399999, 16, 19}, {601100, 601199, 16, 19},
    {622126, 622925, 16, 19}, {644000, 659999, 16, 19}, {352800, 358999, 16, 19},
    {620000, 629999, 16, 19}, {500000, 509999, 12, 19}, {560000, 589999, 12, 19},
    {630000, 639999, 12, 19}, {670000, 679999, 12, 19}};

bool is_luhn(std::string_view digits) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    auto digit = static_cast<unsigned>(digits[digits.size() - 1 - i] - '0');
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

bool is_card_number(std::string_view digits) {
  unsigned prefix = 0;
  for (const char c : digits.substr(0, 6)) prefix = prefix * 10 + static_cast<unsigned>(c - '0');
  return is_luhn(digits) && std::ranges::any_of(kIssuers, [&](const IssuerRange& range) {
           return prefix >= range.first && prefix <= range.last && digits.size() >= range.least &&
                  digits.size() <= range.most;
         });
}

constexpr std::size_t kLeastCardDigits = 12, kMostCardDigits = 19;

struct IbanLength {
  char country[3];
  std::uint8_t length;
};
// The registry of ISO 13616, release 99.
constexpr IbanLength kIbans[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22},
    {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24},
    {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18},
    {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27},
    {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27},
    {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20},
    {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20}, {"MR", 27},
    {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24}, {"PL", 28},
    {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31},
    {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28},
    {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29}, {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30}};

// `compact`: letters in upper case and digits alone, of the country's length.
bool has_right_check_digits(const std::string& compact) {
  unsigned rest = 0;
  for (const char c : compact.substr(4) + compact.substr(0, 4)) {
    const auto value = static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'A' + 10);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest == 1;
}

bool begins_with_iban(std::string_view text) {
  if (text.size() < 15 || !is_letter(text[0]) || !is_letter(text[1])) return false;
  std::string compact;
  const IbanLength* row = nullptr;
  for (const char c : text) {
    if (c == ' ') continue;
    if (!is_digit(c) && !is_letter(c)) return false;
    compact += is_letter(c) ? static_cast<char>(c & ~0x20) : c;
    if (compact.size() == 2) {
      row = std::ranges::find_if(kIbans,
                                 [&](const IbanLength& each) { return compact == each.country; });
      if (row == std::end(kIbans)) return false;
    }
    if (row && compact.size() == row->length) return has_right_check_digits(compact);
  }
  return false;
}

// In the order of Sensitive.
constexpr std::string_view kSensitiveNames[] = {"card-number", "iban",      "us-ssn",
                                                "uk-nino",     "de-tax-id", "fr-nir",
                                                "es-dni",      "ch-ahv",    "pattern"};
static_assert(std::size(kSensitiveNames) == static_cast<std::size_t>(Sensitive::pattern) + 1);

}  // namespace

std::span<const std::string_view> sensitive_names() {
  return kSensitiveNames;
}

std::string_view sensitive_name(Sensitive kind) {
  return kSensitiveNames[static_cast<std::size_t>(kind)];
}

std::optional<Sensitive> sensitive_of_name(std::string_view name) {
  const auto found = std::ranges::find(kSensitiveNames, name);
  if (found == std::end(kSensitiveNames)) return std::nullopt;
  return static_cast<Sensitive>(found - std::begin(kSensitiveNames));
}

bool has_card_number(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!is_digit(text[at]) || (at > 0 && is_digit(text[at - 1]))) continue;
    std::string digits;
    for (std::size_t i = at; i < text.size() && digits.size() <= kMostCardDigits; ++i) {
      if (is_digit(text[i])) {
        digits += text[i];
        const bool ends = i + 1 == text.size() || !is_digit(text[i + 1]);
        if (ends && digits.size() >= kLeastCardDigits && digits.size() <= kMostCardDigits &&
            is_card_number(digits))
          return true;
      } else if ((text[i] != ' ' && text[i] != '-') || !is_digit(text[i - 1])) {
        break;
      }
    }
  }
  return false;
}

bool has_iban(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins_word = at == 0 || (!is_letter(text[at - 1]) && !is_digit(text[at - 1]));
    if (begins_word && begins_with_iban(text.substr(at))) return true;
  }
  return false;
}

bool has(Sensitive kind, std::string_view text) {
  switch (kind) {
    case Sensitive::card_number:
      return has_card_number(text);
    case Sensitive::iban:
      return has_iban(text);
    case Sensitive::us_ssn:
      return has_us_ssn(text);
    case Sensitive::uk_nino:
      return has_uk_nino(text);
    case Sensitive::de_tax_id:
      return has_de_tax_id(text);
    case Sensitive::fr_nir:
      return has_fr_nir(text);
    case Sensitive::es_dni:
      return has_es_dni(text);
    case Sensitive::ch_ahv:
      return has_ch_ahv(text);
    case Sensitive::pattern:
      return false;
  }
  return false;
}

}  // namespace nae::gateway
