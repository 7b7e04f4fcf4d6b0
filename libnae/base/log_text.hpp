// Texts that others choose, on their way to a person: a line of the log must stay one line and a
// cell of a table one cell, whatever stands in them.
#pragma once

#include <string>
#include <string_view>

namespace nae {

// Control characters (C0, DEL, C1), line and paragraph separators and the marks that turn the
// direction of writing become \u and four hexadecimal digits; what is no UTF-8 becomes U+FFFD.
std::string without_controls(std::string_view text);

// The same in quotation marks, with those within and backslashes escaped: the only form in which a
// text from outside stands in a line of the log.
std::string quoted_text(std::string_view text);

}  // namespace nae
