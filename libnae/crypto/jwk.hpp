// Public keys as JSON Web Keys: RFC 7517, 7518 section 6, 8037.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// The members that make the key: "kty" and the numbers, in the order of RFC 7638's thumbprint. All
// are texts that need no escape in JSON. Code::invalid_argument, Code::unsupported as
// PublicKey::from_der.
Result<std::vector<std::pair<std::string_view, std::string>>> jwk_members(
    ByteView subject_public_key_info);
// The same of a key of this type, as PublicKey::of_type.
Result<std::vector<std::pair<std::string_view, std::string>>> jwk_members(
    KeyType type, ByteView subject_public_key_info);

// JOSE's name of a scheme ("PS256"); "" when it has none.
std::string_view jose_name(SignatureScheme scheme);

}  // namespace nae::crypto
