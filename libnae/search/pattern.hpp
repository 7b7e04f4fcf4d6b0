// Pattern: what a condition says of the values that fulfil it: code points that stand there, and
// places where anything may stand.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace nae::search {

enum class Condition : std::uint8_t {
  equal,   // = and values themselves
  like,    // with % and _, and \ before what stands for itself
  ilike,   // the same without regard to case
  prefix,  // ^@
  words,   // of nae.search(): words, and beginnings of words before a *
};

inline constexpr char32_t kAnything = 0xffffffff;  // any text, also none
using Pattern = std::vector<char32_t>;

// Beginnings and ends of a pattern are those of the value, unless kAnything stands there.
// Empty is false where no value fulfils the condition, or only PostgreSQL knows which.
bool read_pattern(Condition condition, std::string_view text, Pattern& pattern);

}  // namespace nae::search
