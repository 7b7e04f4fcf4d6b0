#include "cli/nearest.hpp"

#include <algorithm>

namespace nae::cli {
namespace {

constexpr std::size_t kMostLetters = 64;  // no word of ours is longer; the table is quadratic
constexpr std::size_t kLettersPerChange = 3;

std::size_t changes(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_above(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
    two_above.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::string nearest(std::string_view typed, const std::vector<std::string>& words) {
  if (typed.size() > kMostLetters) return {};
  std::size_t fewest = (typed.size() + kLettersPerChange - 1) / kLettersPerChange + 1;
  std::string best;
  for (const std::string& word : words) {
    const std::size_t needed = changes(typed, word);
    // A word of which every letter is another is not what was meant.
    if (needed >= fewest || needed >= typed.size()) continue;
    fewest = needed;
    best = word;
  }
  return best;
}

}  // namespace nae::cli
