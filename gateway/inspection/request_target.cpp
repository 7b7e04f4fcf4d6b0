#include "gateway/inspection/request_target.hpp"

#include <algorithm>

#include "gateway/inspection/percent.hpp"
#include "libnae/base/text.hpp"

namespace nae::gateway {
namespace {

Understood<char> next_character(std::string_view path, std::size_t& at) {
  const char c = path[at];
  if (c == '%') {
    const auto byte = percent_byte(path.substr(at));
    if (!byte) return refuse(400, "path_malformed", "a '%' without two hexadecimal digits");
    at += 3;
    const char decoded = static_cast<char>(*byte);
    if (decoded == '/' || decoded == '\\' || decoded == '%')
      return refuse(400, "path_ambiguous", "an encoded separator in the path");
    if (*byte < 0x20 || *byte == 0x7f)
      return refuse(400, "path_malformed", "a control character in the path");
    return decoded;
  }
  if (c <= ' ' || c >= 0x7f || c == '\\' || c == '#')
    return refuse(400, "path_malformed", "a character that a path must write as %XX");
  ++at;
  return c;
}

// `segment`: decoded, its parameters too.
Understood<std::string> without_parameters(const std::string& segment, bool is_last) {
  std::string name = segment.substr(0, segment.find(';'));
  if (name == "." || name == ".." || (name.empty() && !is_last))
    return refuse(400, "path_ambiguous", "an empty or dot segment in the path");
  return name;
}

}  // namespace

Understood<RequestTarget> parse_target(std::string_view target) {
  RequestTarget parsed;
  if (target == "*") {
    parsed.path = parsed.literal = "*";
    return parsed;
  }
  if (!target.starts_with('/'))
    return refuse(400, "target_form", "the target is not in origin form");
  const std::size_t end = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, end);
  for (std::size_t at = 1; at <= path.size();) {
    std::string segment;
    while (at < path.size() && path[at] != '/') {
      auto c = next_character(path, at);
      if (!c) return tl::unexpected(c.error());
      segment += *c >= 'A' && *c <= 'Z' ? static_cast<char>(*c + 32) : *c;
    }
    const bool is_last = at == path.size();
    auto name = without_parameters(segment, is_last);
    if (!name) return tl::unexpected(name.error());
    if (!name->empty()) parsed.path += "/" + *name;
    parsed.literal += "/" + segment;
    ++at;
  }
  if (parsed.path.empty()) parsed.path = "/";
  if (parsed.literal.empty()) parsed.literal = "/";
  if (!is_utf8(parsed.literal)) return refuse(400, "path_malformed", "the path is not UTF-8");
  parsed.query_begin = std::min(end + 1, target.size());
  parsed.query = target.substr(parsed.query_begin);
  return parsed;
}

}  // namespace nae::gateway
