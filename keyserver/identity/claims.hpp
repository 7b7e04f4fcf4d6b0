// Claims: what a token says of its user, as texts that rules can compare.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::identity {

using Claims = std::map<std::string, std::vector<std::string>, std::less<>>;

// Texts as they are, numbers in their shortest decimal form, true and false; a list has a text for
// each of these in it, and none for its lists and objects. The members of an object are claims by
// their path, as in "resource_access.shop.roles". "scope" (RFC 8693 section 4.2) and "scp" that are
// a text have its words beside the whole. null is left out. Code::user_token_rejected when two
// claims come to one name.
Result<Claims> claims_of(const boost::json::object& payload);

// A member that is a text, else empty.
std::string_view text_member(const boost::json::object& payload, std::string_view name);

// A NumericDate (RFC 7519 section 2) as Unix time in microseconds; nothing when it is absent.
// Code::user_token_rejected when it is no number between the years 1970 and 9999.
Result<std::optional<std::int64_t>> date_member(const boost::json::object& payload,
                                                std::string_view name);

// Whether "aud" (RFC 7519 section 4.1.3) is `audience`, or a list of texts that holds it.
bool is_meant_for(const boost::json::object& payload, std::string_view audience);

}  // namespace nae::identity
