// Base64url as JSON Web Signatures have it (RFC 7515 section 2): no padding, no line breaks.
#pragma once

#include <optional>
#include <string_view>

#include "libnae/base/bytes.hpp"

namespace nae::identity {

// Nothing for any text but the one form of its bytes: a foreign character, padding, a length that
// no bytes have, or unused bits that are not zero. One token must not have two texts.
std::optional<Bytes> decode_base64url(std::string_view text);

}  // namespace nae::identity
