// Base64 (RFC 4648): section 4 with padding for reading and writing, section 5 without for JWKs.
#pragma once

#include <string>
#include <string_view>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

std::string to_base64(ByteView bytes);
std::string to_base64url(ByteView bytes);

// Code::invalid_argument for anything but whole groups of the alphabet; line ends are no part of
// it.
Result<Bytes> from_base64(std::string_view text);

}  // namespace nae::crypto
