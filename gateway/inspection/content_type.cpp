#include "gateway/inspection/content_type.hpp"

#include <algorithm>

#include "gateway/inspection/selector.hpp"

namespace nae::gateway {
namespace {

std::string_view unquoted(std::string_view value) {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= 70 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
           c == '_' || c == '.';
  });
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t from = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(from);
  const std::size_t last = text.find_last_not_of(" \t");
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

ContentType split_content_type(std::string_view value) {
  const std::size_t end = std::min(value.find(';'), value.size());
  return {trimmed(value.substr(0, end)), value.substr(end)};
}

Understood<void> check_parameters(std::string_view parameters, std::string_view* boundary) {
  bool has_charset = false, has_boundary = false;
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';', 1), parameters.size());
    const std::string_view parameter = trimmed(parameters.substr(1, end - 1));
    parameters.remove_prefix(end);
    if (parameter.empty()) continue;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = trimmed(parameter.substr(0, equals));
    const std::string_view written =
        trimmed(parameter.substr(std::min(equals + 1, parameter.size())));
    if (equal_ignoring_case(name, "charset")) {
      const std::string_view value = unquoted(written);
      if (has_charset ||
          !(equal_ignoring_case(value, "utf-8") || equal_ignoring_case(value, "utf8")))
        return refuse(415, "charset_unsupported", "the body is not in UTF-8");
      has_charset = true;
    } else if (boundary && equal_ignoring_case(name, "boundary")) {
      *boundary = unquoted(written);
      if (has_boundary || !is_boundary(*boundary))
        return refuse(415, "content_type_unexpected", "a boundary that readers may read otherwise");
      has_boundary = true;
    } else if (parameter.find_first_of("\"*") != parameter.npos) {
      // Quoted, or in pieces (RFC 2231): either may hide one of the two above.
      return refuse(415, "content_type_unexpected", "a quoted parameter of the content type");
    }
  }
  if (boundary && !has_boundary)
    return refuse(415, "content_type_unexpected", "the content type has no boundary");
  return {};
}

}  // namespace nae::gateway
