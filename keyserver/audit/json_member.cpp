#include "keyserver/audit/json_member.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"

namespace nae::audit {
namespace {

const boost::json::value* member(const boost::json::object& object, std::string_view name) {
  return object.if_contains(boost::json::string_view(name.data(), name.size()));
}

}  // namespace

std::optional<std::int64_t> number_member(const boost::json::object& object,
                                          std::string_view name) {
  const boost::json::value* value = member(object, name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return value->get_int64();
}

std::optional<Bytes> hex_member(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = member(object, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  auto bytes = from_hex({value->get_string().data(), value->get_string().size()});
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::optional<Hash> hash_member(const boost::json::object& object, std::string_view name) {
  auto bytes = hex_member(object, name);
  if (!bytes || bytes->size() != kHashBytes) return std::nullopt;
  Hash hash;
  std::ranges::copy(*bytes, hash.begin());
  return hash;
}

std::optional<boost::json::object> object_of(std::string_view json) {
  boost::system::error_code error;
  boost::json::value root =
      boost::json::parse(boost::json::string_view(json.data(), json.size()), error);
  if (error || !root.is_object()) return std::nullopt;
  return std::move(root.get_object());
}

}  // namespace nae::audit
