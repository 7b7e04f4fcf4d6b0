#include "libnae/search/pattern.hpp"

#include "libnae/search/fold.hpp"

namespace nae::search {
namespace {

// A letter that may have another case which this library does not know is anything.
char32_t without_case(char32_t point) {
  return has_settled_case(point) ? point : kAnything;
}

bool read_like(std::string_view text, bool ignores_case, Pattern& pattern) {
  while (!text.empty()) {
    char32_t point = take_point(text);
    if (point == U'%' || point == U'_') {
      pattern.push_back(kAnything);
      continue;
    }
    if (point == U'\\') {
      if (text.empty()) return false;  // an error of PostgreSQL's, where it comes to that
      point = take_point(text);
    }
    pattern.push_back(ignores_case ? without_case(point) : point);
  }
  return true;
}

// Each word stands somewhere by itself.
void read_words(std::string_view text, Pattern& pattern) {
  while (!text.empty()) {
    const char32_t point = take_point(text);
    pattern.push_back(point == U'*' ? kAnything : point);
  }
}

}  // namespace

bool read_pattern(Condition condition, std::string_view text, Pattern& pattern) {
  pattern.clear();
  pattern.reserve(text.size() + 1);
  switch (condition) {
    case Condition::like:
      return read_like(text, false, pattern);
    case Condition::ilike:
      return read_like(text, true, pattern);
    case Condition::words:
      read_words(text, pattern);
      return true;
    case Condition::equal:
    case Condition::prefix:
      while (!text.empty()) pattern.push_back(take_point(text));
      if (condition == Condition::prefix) pattern.push_back(kAnything);
      return true;
  }
  return false;
}

}  // namespace nae::search
