#include "keyserver/identity/claims.hpp"

#include <algorithm>
#include <charconv>

namespace nae::identity {
namespace {

namespace json = boost::json;

constexpr double kLastDate = 253'402'300'799;  // the end of year 9999

json::string_view as_json(std::string_view text) {
  return {text.data(), text.size()};
}

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

template <class Number>
std::string decimal(Number value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::optional<std::string> text_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return std::string(view(value.get_string()));
    case json::kind::int64:
      return decimal(value.get_int64());
    case json::kind::uint64:
      return decimal(value.get_uint64());
    case json::kind::double_:
      return decimal(value.get_double());
    case json::kind::bool_:
      return std::string(value.get_bool() ? "true" : "false");
    default:
      return std::nullopt;
  }
}

std::vector<std::string> texts_of(const json::value& value) {
  std::vector<std::string> texts;
  if (const json::array* list = value.if_array()) {
    for (const json::value& item : *list)
      if (auto text = text_of(item)) texts.push_back(*std::move(text));
  } else if (auto text = text_of(value)) {
    texts.push_back(*std::move(text));
  }
  return texts;
}

// The words of a text that has several.
void add_words(std::vector<std::string>& texts) {
  if (texts.size() != 1) return;
  const std::string all = texts.front();
  if (all.find(' ') == all.npos) return;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find(' ', at), all.size());
    if (end > at) texts.push_back(all.substr(at, end - at));
    at = end + 1;
  }
}

// False when a name is taken. It is as deep as its JSON, which the parser bounds.
bool add(Claims& claims, const std::string& name, const json::value& value) {
  if (value.is_null()) return true;
  const json::object* members = value.if_object();
  if (members == nullptr) return claims.emplace(name, texts_of(value)).second;
  bool unique = true;
  for (const auto& [inner, inner_value] : *members)
    unique &= add(claims, name + "." + std::string(inner.data(), inner.size()), inner_value);
  return unique;
}

}  // namespace

Result<Claims> claims_of(const json::object& payload) {
  Claims claims;
  bool unique = true;
  for (const auto& [key, value] : payload)
    unique &= add(claims, std::string(key.data(), key.size()), value);
  if (!unique) return fail(Code::user_token_rejected, "the user token has a claim twice");
  for (const char* scope : {"scope", "scp"})
    if (auto found = claims.find(scope); found != claims.end() && !payload.at(scope).is_array())
      add_words(found->second);
  return claims;
}

std::string_view text_member(const json::object& payload, std::string_view name) {
  const json::value* value = payload.if_contains(as_json(name));
  return value != nullptr && value->is_string() ? view(value->get_string()) : std::string_view{};
}

Result<std::optional<std::int64_t>> date_member(const json::object& payload,
                                                std::string_view name) {
  const json::value* value = payload.if_contains(as_json(name));
  if (value == nullptr) return std::nullopt;
  const double seconds = value->is_number() ? value->to_number<double>() : -1;
  if (!(seconds >= 0 && seconds <= kLastDate))
    return fail(Code::user_token_rejected,
                "the user token's \"" + std::string(name) + "\" is not a date");
  return static_cast<std::int64_t>(seconds * 1e6);
}

bool is_meant_for(const json::object& payload, std::string_view audience) {
  const json::value* value = payload.if_contains("aud");
  if (value == nullptr) return false;
  if (const json::string* one = value->if_string()) return view(*one) == audience;
  const json::array* list = value->if_array();
  auto is_text = [](const json::value& entry) { return entry.is_string(); };
  auto is_it = [&](const json::value& entry) { return view(entry.get_string()) == audience; };
  return list != nullptr && std::ranges::all_of(*list, is_text) &&
         std::ranges::any_of(*list, is_it);
}

}  // namespace nae::identity
