#include "keyserver/admin/api/json.hpp"

#include <algorithm>
#include <boost/json/src.hpp>
#include <cmath>

namespace nae::admin::api {

namespace {

// Boost.JSON makes "not a number" of 0E900, and writes that as something that is no JSON.
bool is_finite(const json::value& value) {
  if (value.is_double()) return std::isfinite(value.get_double());
  if (value.is_array())
    return std::all_of(value.get_array().begin(), value.get_array().end(), is_finite);
  if (!value.is_object()) return true;
  return std::all_of(value.get_object().begin(), value.get_object().end(),
                     [](const auto& member) { return is_finite(member.value()); });
}

}  // namespace

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 16;  // the interface's own messages are four deep
  json::value value = json::parse(text, error, {}, options);
  if (error) return fail(Code::invalid_argument, "not JSON: " + error.message());
  if (!value.is_object()) return fail(Code::invalid_argument, "not a JSON object");
  if (!is_finite(value)) return fail(Code::invalid_argument, "a number is out of range");
  return std::move(value.as_object());
}

const json::value* Fields::find(std::string_view name) {
  known_.emplace(name);
  const json::value* value = object_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

Result<std::optional<std::string>> Fields::optional_text(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string())
    return fail(Code::invalid_argument, "\"" + std::string(name) + "\" must be a string");
  return std::string(value->get_string());
}

Result<std::string> Fields::text(std::string_view name) {
  NAE_ASSIGN(std::optional<std::string> value, optional_text(name));
  if (!value) return fail(Code::invalid_argument, "\"" + std::string(name) + "\" is missing");
  return *std::move(value);
}

Result<std::optional<std::int64_t>> Fields::optional_integer(std::string_view name,
                                                             std::int64_t least,
                                                             std::int64_t most) {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most)
    return fail(Code::invalid_argument, "\"" + std::string(name) +
                                            "\" must be a whole number from " +
                                            std::to_string(least) + " to " + std::to_string(most));
  return value->get_int64();
}

Result<std::vector<std::string>> Fields::optional_texts(std::string_view name) {
  std::vector<std::string> texts;
  const json::value* value = find(name);
  if (!value) return texts;
  if (!value->is_array())
    return fail(Code::invalid_argument, "\"" + std::string(name) + "\" must be a list of strings");
  for (const json::value& item : value->get_array()) {
    if (!item.is_string())
      return fail(Code::invalid_argument, "\"" + std::string(name) + "\" must hold strings");
    texts.emplace_back(item.get_string());
  }
  return texts;
}

Result<std::optional<json::object>> Fields::optional_object(std::string_view name) {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_object())
    return fail(Code::invalid_argument, "\"" + std::string(name) + "\" must be an object");
  return value->get_object();
}

Result<void> Fields::complete() const {
  for (const auto& member : object_)
    if (!known_.contains(std::string_view(member.key())))
      return fail(Code::invalid_argument, "unknown field \"" + std::string(member.key()) + "\"");
  return {};
}

std::string shown(const json::value& object, std::string_view name) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  if (!value || value->is_null()) return {};
  if (value->is_string()) return std::string(value->get_string());
  return json::serialize(*value);
}

const json::array& items(const json::value& object, std::string_view name) {
  static const json::array kNone;
  const json::value* value = object.is_object() ? object.get_object().if_contains(name) : nullptr;
  return value && value->is_array() ? value->get_array() : kNone;
}

}  // namespace nae::admin::api
