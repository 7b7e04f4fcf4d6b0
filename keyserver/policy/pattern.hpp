// Patterns over names in rules. What stands in a rule is a name, to the letter, or a glob that says
// so. docs/spec/policy.md, "Patterns".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::policy {

// How lists of a document are written. In version 1 every entry is a glob, so that a role whose
// name holds an asterisk grants others.
enum class PatternSyntax : std::uint8_t { version_1 = 1, version_2 = 2 };

// A pattern as rules hold it, whichever syntax it was written in: that of version 2, where
//   glob:…   '*' is any run of characters, '?' any one byte, '\' takes the meaning from the next
//   exact:…  this name
//   …        this name, which holds neither '*' nor '?' and does not start like the two above
// Failure: the reason, without a line.
Result<std::string> read_pattern(std::string_view written, PatternSyntax syntax);

bool is_glob(std::string_view pattern);
bool matches_any(std::string_view pattern);  // of glob:*
bool pattern_matches(std::string_view pattern, std::string_view text);
// What the pattern says behind its mark.
std::string_view body_of(std::string_view pattern);
// A text that the pattern means and none narrower does.
std::string example_of(std::string_view pattern);

}  // namespace nae::policy
