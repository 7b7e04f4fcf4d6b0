// Fold: what of a text counts when it is searched. Each code point is decomposed for compatibility
// (NFKD) and case folded, marks and what is invisible are dropped; a dotless i counts as an i.
//
// Coarser than any comparison of PostgreSQL's that an index serves, and by code points: what a text
// folds to is what its parts fold to, one after the other. Composition (NFKC) would not have that:
// a mark after a prefix would change the prefix's last letter, and rows would be lost.
//
// The tables are utf8proc's, of one Unicode version, which declarations name.
#pragma once

#include <string>
#include <string_view>

namespace nae::search {

// "15.0.0"
std::string_view unicode_version();

// The longest that one code point folds to.
inline constexpr int kMaxFolded = 32;
// Answers how many code points were written to `out`, which has room for kMaxFolded.
int fold(char32_t point, char32_t* out);

// Letters and digits, of what was folded; everything else is between words.
bool is_letter(char32_t folded);

// Whether every version of Unicode, also a later one, says which other letters differ from this one
// by case alone: ASCII, and letters that have their other case. A later version may add the other
// case of any other.
bool has_settled_case(char32_t point);

// Takes the first code point off a text in UTF-8. What is no UTF-8 is U+FFFD, byte by byte.
char32_t take_point(std::string_view& text);
void append_utf8(char32_t point, std::string& out);

}  // namespace nae::search
