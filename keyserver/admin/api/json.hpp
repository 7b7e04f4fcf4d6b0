// JSON of the administration interface (docs/openapi.yaml): reading with every field checked.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::admin::api {

namespace json = boost::json;

// The object that `text` holds, nothing before or after it. Code::invalid_argument otherwise.
Result<json::object> parse_object(std::string_view text);

// Reads the fields of a request. complete() refuses what nobody asked for: a misspelt field must
// not be ignored in silence.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  Result<std::string> text(std::string_view name);
  Result<std::optional<std::string>> optional_text(std::string_view name);
  Result<std::optional<std::int64_t>> optional_integer(std::string_view name, std::int64_t least,
                                                       std::int64_t most);
  Result<std::vector<std::string>> optional_texts(std::string_view name);
  Result<std::optional<json::object>> optional_object(std::string_view name);
  Result<void> complete() const;

 private:
  const json::value* find(std::string_view name);  // nullptr when absent or null
  const json::object& object_;
  std::set<std::string, std::less<>> known_;
};

// For showing an answer: the member as text, numbers and booleans written out, "" when absent or
// null.
std::string shown(const json::value& object, std::string_view name);
// The member when it is an array, an empty one otherwise.
const json::array& items(const json::value& object, std::string_view name);

}  // namespace nae::admin::api
