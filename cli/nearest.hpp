// The word that was meant, when one was mistyped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nae::cli {

// Of `words` the one that takes the fewest changes: a letter more, less, another, or two swapped
// (Damerau-Levenshtein, optimal string alignment). Empty when none is near: one change for each
// begun three letters. Of equally near ones the first.
std::string nearest(std::string_view typed, const std::vector<std::string>& words);

}  // namespace nae::cli
