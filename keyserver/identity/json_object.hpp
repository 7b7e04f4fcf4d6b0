// JSON that two readers cannot read in two ways.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string_view>

namespace nae::identity {

// The object that `text` holds, with nothing before or after it. Nothing when it is no such JSON
// (RFC 8259), is not UTF-8, or has a member twice, at any depth: RFC 7515 section 4 lets a reader
// take the last of two, and an issuer's other readers may take the first.
std::optional<boost::json::object> parse_unambiguous(std::string_view text);

}  // namespace nae::identity
