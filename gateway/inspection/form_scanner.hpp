// Reads application/x-www-form-urlencoded texts, of bodies and of queries, and says where each
// value stands.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/inspection/refusal.hpp"

namespace nae::gateway {

struct FormField {
  std::string name, value;         // decoded
  std::size_t begin = 0, end = 0;  // of the value in the text
};
using FormVisitor = std::function<Understood<void>(const FormField&)>;

// Status 400 with form_malformed: a raw byte that is no printable ASCII, a '%' without two digits,
// a
// ';' (which some readers take for '&'), NUL; form_encoding: what is decoded is not UTF-8.
Understood<void> scan_form(std::string_view text, const FormVisitor& visit);

// As a value in such a text.
std::string form_encoded(std::string_view text);

// Whether readers that make structures or variables of names may take `name` for `field`: `card[]`,
// `card[0]`, `[card]`, `card.x`, `card(1)`, `!card`, `Card`; of a field `card_number`
// `card.number`, `card[number`, too.
bool is_form_variant(std::string_view name, std::string_view field);

// Whether a lenient reader may find `field` in a query: pieces behind '&' and ';', malformed
// escapes as they are.
bool may_have_field(std::string_view query, std::string_view field);

}  // namespace nae::gateway
