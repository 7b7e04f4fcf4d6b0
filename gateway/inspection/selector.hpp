// Selectors: which values of a JSON text a field of a route is about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/inspection/json_scanner.hpp"
#include "libnae/base/result.hpp"

namespace nae::gateway {

class JsonSelector {
 public:
  // A JSON pointer (RFC 6901), `/cards/0/number`, or a path, `$.cards[*].number` with names behind
  // points or as ['name'], places [0], each element [*] and each member .*; at most 64 steps.
  // Code::invalid_argument.
  static Result<JsonSelector> parse(std::string_view text);

  bool matches(const JsonPath& path) const;
  // A key differs from the selector's as equal_names() does not see: some readers take it for
  // the same one.
  bool nearly_matches(const JsonPath& path) const;
  // What a value at `path` is to a selector that may match within it: a container of the kind that
  // the selector names, or something else, in which an application may look for the value all the
  // same.
  enum class Way : std::uint8_t { elsewhere, fits, differs };
  Way on_the_way(const JsonPath& path, JsonKind kind) const;
  // The member of the outermost object that it goes through; empty: none by name.
  std::string_view outermost() const;
  const std::string& text() const { return text_; }

 private:
  enum class Kind : std::uint8_t { name, pointer_token, index, any_element, any_member };
  struct Step {
    Kind kind{};
    std::string name;
    std::size_t index = 0;
  };
  static bool fits(const Step& step, const JsonStep& at, bool ignore_case);
  bool matches(const JsonPath& path, bool ignore_case) const;
  static Result<std::vector<Step>> parse_pointer(std::string_view text);
  static Result<std::vector<Step>> parse_path(std::string_view text);

  std::string text_;
  std::vector<Step> steps_;
};

// Names of fields as the readers compare them that ignore case: ASCII letters, U+017F as 's' and
// U+212A as 'k'.
bool equal_names(std::string_view a, std::string_view b);
bool equal_ignoring_case(std::string_view a, std::string_view b);  // of ASCII letters

}  // namespace nae::gateway
