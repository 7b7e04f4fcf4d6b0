// Patterns of a route's own: a regular expression, and words one of which must be near.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace re2 {
class RE2;
}

namespace nae::gateway {

class Pattern {
 public:
  static constexpr std::size_t kMaxBytes = 1024;  // of the expression
  static constexpr std::size_t kNear = 128;       // bytes of text on each side of a word

  // `expression` in the syntax of RE2, over UTF-8: it takes time in proportion to the text, whoever
  // wrote that. `near`: words in letters and digits of ASCII; empty: any place will do.
  // Code::invalid_argument.
  static Result<Pattern> compile(std::string_view expression, std::vector<std::string> near);

  // Whether something in `text` matches that lies near one of the words, or has one in the name of
  // its field; the case of words does not count. Takes time in proportion to the text.
  bool is_in(std::string_view text, std::string_view field) const;

 private:
  bool matches(std::string_view text, std::size_t begin, std::size_t end) const;

  std::shared_ptr<const re2::RE2> expression_;
  std::vector<std::string> near_;  // in lower case
};

}  // namespace nae::gateway
