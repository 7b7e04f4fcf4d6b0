#include <algorithm>

#include "gateway/inspection/inspection.hpp"

namespace nae::gateway {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t from = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(from);
  const std::size_t last = text.find_last_not_of(" \t");
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

// A token of RFC 9110 section 5.6.2, '/', and another one: what has a comma in it is several types
// to some readers.
bool is_media_type(std::string_view type) {
  const auto is_token = [](std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
      return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
             std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
  };
  const std::size_t slash = type.find('/');
  return slash != type.npos && is_token(type.substr(0, slash)) && is_token(type.substr(slash + 1));
}

bool is_json_type(std::string_view type) {
  return equal_ignoring_case(type, "application/json") ||
         (type.size() > 17 && equal_ignoring_case(type.substr(0, 12), "application/") &&
          equal_ignoring_case(type.substr(type.size() - 5), "+json"));
}

// `parameters`: from the first ';' on. One charset, UTF-8, and nothing that hides one.
Understood<void> check_charset(std::string_view parameters) {
  bool seen = false;
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';', 1), parameters.size());
    const std::string_view parameter = trimmed(parameters.substr(1, end - 1));
    parameters.remove_prefix(end);
    if (parameter.empty()) continue;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (!equal_ignoring_case(trimmed(parameter.substr(0, equals)), "charset")) {
      if (parameter.find('"') != parameter.npos)
        return refuse(415, "content_type_unexpected", "a quoted parameter of the content type");
      continue;
    }
    std::string_view value = trimmed(parameter.substr(std::min(equals + 1, parameter.size())));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (seen || !(equal_ignoring_case(value, "utf-8") || equal_ignoring_case(value, "utf8")))
      return refuse(415, "charset_unsupported", "the body is not in UTF-8");
    seen = true;
  }
  return {};
}

}  // namespace

Understood<void> check_content(const Route& route, const std::vector<HeaderView>& headers) {
  const std::string_view* type = nullptr;
  for (const auto& [name, value] : headers) {
    if (equal_ignoring_case(name, "content-encoding") &&
        !equal_ignoring_case(trimmed(value), "identity"))
      return refuse(415, "content_encoding_unsupported", "the body is compressed or encoded");
    if (!equal_ignoring_case(name, "content-type")) continue;
    if (type) return refuse(400, "content_type_twice", "two content types");
    type = &value;
  }
  if (route.content == Content::any) return {};
  if (!type) return refuse(415, "content_type_missing", "the body has no content type");
  const std::size_t end = std::min(type->find(';'), type->size());
  const std::string_view essence = trimmed(type->substr(0, end));
  const bool good = route.content == Content::json
                        ? is_json_type(essence)
                        : equal_ignoring_case(essence, "application/x-www-form-urlencoded");
  if (!good || !is_media_type(essence))
    return refuse(
        415, "content_type_unexpected",
        route.content == Content::json ? "this route takes JSON" : "this route takes forms");
  return check_charset(type->substr(end));
}

}  // namespace nae::gateway
