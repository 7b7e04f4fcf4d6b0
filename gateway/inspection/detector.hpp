// Detectors: what a text looks like, whatever its field is called.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace nae::gateway {

enum class Sensitive : std::uint8_t {
  card_number,
  iban,
  us_ssn,
  uk_nino,
  de_tax_id,
  fr_nir,
  es_dni,
  ch_ahv,
  pattern  // of the route
};
std::span<const std::string_view> sensitive_names();  // in the order of Sensitive
std::string_view sensitive_name(Sensitive kind);      // "card-number"
std::optional<Sensitive> sensitive_of_name(std::string_view name);

// Somewhere in `text` stands a number of a payment card: 12 to 19 digits, single blanks or dashes
// between them, of an issuer's range, whose last is right by Luhn's rule (ISO/IEC 7812-1).
bool has_card_number(std::string_view text);

// Somewhere in `text` stands an IBAN (ISO 13616-1) of its country's length whose check digits are
// right, with or without blanks.
bool has_iban(std::string_view text);

// Whether `text` has one; of Sensitive::pattern never: see Pattern.
bool has(Sensitive kind, std::string_view text);

}  // namespace nae::gateway
