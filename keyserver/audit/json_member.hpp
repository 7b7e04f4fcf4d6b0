// Members of the small JSON documents beside a log: heads and the archive mark.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string_view>

#include "keyserver/audit/chain.hpp"

namespace nae::audit {

// Nothing when the member is absent or of another kind; a number is not negative.
std::optional<std::int64_t> number_member(const boost::json::object& object, std::string_view name);
std::optional<Bytes> hex_member(const boost::json::object& object, std::string_view name);
std::optional<Hash> hash_member(const boost::json::object& object, std::string_view name);

// The object that the text holds.
std::optional<boost::json::object> object_of(std::string_view json);

}  // namespace nae::audit
