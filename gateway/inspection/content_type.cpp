#include "gateway/inspection/content_type.hpp"

#include <algorithm>
#include <string>

#include "gateway/inspection/ascii.hpp"
#include "gateway/inspection/selector.hpp"

namespace nae::gateway {
namespace {

std::string_view unquoted(std::string_view value) {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= 70 && std::ranges::all_of(text, [](char c) {
    return is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '.';
  });
}

bool is_utf8_name(std::string_view text) {
  return equal_ignoring_case(text, "utf-8") || equal_ignoring_case(text, "utf8");
}

// Quoted, in pieces (RFC 2231), or with a name that some look for anywhere in the header.
bool may_hide(std::string_view parameter) {
  const std::string small = in_lower_case(parameter);
  return small.find_first_of("\"*") != small.npos || small.find("charset") != small.npos ||
         small.find("boundary") != small.npos;
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

// What has a comma in it is several types to some readers.
bool is_media_type(std::string_view type) {
  const std::size_t slash = type.find('/');
  return slash != type.npos && is_token(type.substr(0, slash)) && is_token(type.substr(slash + 1));
}

Understood<void> check_parameters(std::string_view parameters, Parameters allowed,
                                  std::string_view* boundary) {
  bool has_charset = false, has_boundary = false;
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';', 1), parameters.size());
    const std::string_view parameter = trimmed(parameters.substr(1, end - 1));
    parameters.remove_prefix(end);
    if (parameter.empty()) continue;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, equals);
    const std::string_view written = parameter.substr(std::min(equals + 1, parameter.size()));
    const std::string_view value = unquoted(written);
    if (equal_ignoring_case(name, "charset")) {
      const bool is_good =
          allowed == Parameters::of_file ? is_boundary(value) : is_utf8_name(value);
      if (has_charset || !is_good)
        return refuse(415, "charset_unsupported", "the body is not in UTF-8");
      has_charset = true;
    } else if (boundary && equal_ignoring_case(name, "boundary")) {
      *boundary = value;
      if (has_boundary || !is_boundary(value))
        return refuse(415, "content_type_unexpected", "a boundary that readers may read otherwise");
      has_boundary = true;
    } else if (allowed != Parameters::any || may_hide(parameter)) {
      return refuse(415, "content_type_unexpected",
                    "a parameter of the content type in which readers may find another one");
    }
  }
  if (boundary && !has_boundary)
    return refuse(415, "content_type_unexpected", "the content type has no boundary");
  return {};
}

}  // namespace nae::gateway
