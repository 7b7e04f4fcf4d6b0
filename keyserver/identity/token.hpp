// Tokens of end users: JSON Web Tokens (RFC 7519), verified against the issuers of the policy.
#pragma once

#include <span>
#include <string_view>

#include "keyserver/policy/document.hpp"
#include "keyserver/policy/subject.hpp"
#include "libnae/base/result.hpp"

namespace nae::identity {

// What the wire carries: identity providers write a user's groups into it, 150 of them 8.6 KiB.
inline constexpr std::size_t kMaxTokenBytes = 65'535;
inline constexpr std::size_t kMaxSubjectBytes = 255;  // as OpenID Connect Core section 2 has it

// The user whom one of the issuers vouches for at `now_us`, Unix time.
//
// One of the keys of an issuer whose name is exactly "iss" made the signature; "aud" is or holds
// the issuer's audience; "exp" and "sub" are there; neither is "exp" past nor "nbf" or "iat" to
// come, clock skew allowed. Otherwise Code::user_token_rejected, with a message that says why and
// quotes nothing of the token: whoever reads a log must not be able to use it.
Result<policy::User> verify(std::string_view token, std::span<const policy::Issuer> issuers,
                            std::int64_t now_us);

}  // namespace nae::identity
