// JWS: JSON Web Signature (RFC 7515) in its compact serialization, as far as tokens of users need
// it.
#pragma once

#include <string>
#include <string_view>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::identity {

struct Jws {
  SignatureScheme scheme{};
  std::string_view signing_input;  // of the text that was parsed
  Bytes payload;
  Bytes signature;  // as PublicKey::verify takes it
};

// "the user token " + why, with Code::user_token_rejected.
tl::unexpected<Error> token_rejected(std::string why);

// Code::user_token_rejected unless the text has three parts and a header that asks for RS256, ES256
// (RFC 7518) or EdDSA (RFC 8037), and for nothing that a reader must understand ("crit").
//
// The header is the sender's word before anything is proven, so it chooses no key: "jwk", "jku",
// "x5c" and "x5u" are ignored like every member that is not named here, and "kid" too, since the
// few keys of an issuer can all be tried.
Result<Jws> parse_jws(std::string_view compact);

// Whether the key made the signature. A key whose type is not that of the algorithm did not: what
// one algorithm takes for a public key another might take for a secret.
bool verifies(const Jws& jws, const crypto::PublicKey& key);

}  // namespace nae::identity
