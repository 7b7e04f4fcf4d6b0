// Percent-encoding (RFC 3986 section 2.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nae::gateway {

// The byte that `text` begins with as %XX.
std::optional<std::uint8_t> percent_byte(std::string_view text);
// Everything but the unreserved characters of section 2.3 as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace nae::gateway
