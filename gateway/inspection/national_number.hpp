// National numbers of people, as texts have them.
#pragma once

#include <string_view>

namespace nae::gateway {

// Somewhere in `text` stands one, as a word of its own or with single blanks, '-', '.' or '/'
// within. What has check digits is found by them; what has none by its shape alone.
bool has_us_ssn(std::string_view text);   // AAA-GG-SSSS with '-' or ' ', of numbers that are given
bool has_uk_nino(std::string_view text);  // two letters, six digits, A to D
bool has_de_tax_id(std::string_view text);  // eleven digits (ISO/IEC 7064, mod 11,10)
bool has_fr_nir(std::string_view text);     // thirteen and a key (mod 97); 2A and 2B are Corsica
bool has_es_dni(std::string_view text);     // DNI and NIE: a letter for the rest of 23
bool has_ch_ahv(std::string_view text);     // 756 and ten more (EAN-13)

}  // namespace nae::gateway
