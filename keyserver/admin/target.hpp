// The target of a request taken apart: path segments and query parameters, decoded.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::admin {

struct Target {
  std::vector<std::string> segments;  // "/v1/keys" gives "v1", "keys"; "/" gives none
  std::map<std::string, std::string, std::less<>> parameters;
};

// Without the query.
std::string_view path_of(std::string_view target);

// Origin form only (RFC 9112 section 3.2.1). Code::invalid_argument for bad percent-encoding,
// control characters, empty or dot segments and a parameter given twice: a path has one spelling,
// so that what was authorized is what is done.
Result<Target> parse_target(std::string_view target);

}  // namespace nae::admin
