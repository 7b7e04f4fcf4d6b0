#include "keyserver/identity/jws.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "keyserver/identity/base64url.hpp"
#include "keyserver/identity/json_object.hpp"
#include "libnae/crypto/ecdsa_signature.hpp"

namespace nae::identity {
namespace {

namespace json = boost::json;

struct Algorithm {
  std::string_view name;
  SignatureScheme scheme;
};
// All there are: "none" and the HMACs, whose key would be the issuer's public one, never enter.
constexpr Algorithm kAlgorithms[] = {{"RS256", SignatureScheme::rsa_pkcs1_sha256},
                                     {"ES256", SignatureScheme::ecdsa_p256_sha256},
                                     {"EdDSA", SignatureScheme::ed25519}};
constexpr std::size_t kEs256SignatureBytes = 64;  // r and s, RFC 7518 section 3.4

// Tokens that say what they are for (RFC 8725 section 3.11) must be for access: a logout token or a
// proof of possession is signed by the same key.
constexpr std::string_view kTypes[] = {"jwt", "at+jwt", "application/jwt", "application/at+jwt"};

std::string_view text_of(const json::value* value) {
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool is_access_type(const json::value& type) {
  std::string lower(text_of(&type));
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kTypes, lower) != std::end(kTypes);
}

Result<SignatureScheme> scheme_of(std::string_view header_text) {
  auto bytes = decode_base64url(header_text);
  auto header = bytes ? parse_unambiguous(as_text(*bytes)) : std::nullopt;
  if (!header) return token_rejected("has a malformed header");
  if (header->contains("crit")) return token_rejected("asks for extensions that are not supported");
  if (const json::value* type = header->if_contains("typ"); type && !is_access_type(*type))
    return token_rejected("is of a type that does not grant access");
  const std::string_view name = text_of(header->if_contains("alg"));
  for (const Algorithm& algorithm : kAlgorithms)
    if (algorithm.name == name) return algorithm.scheme;
  return token_rejected("is not signed with RS256, ES256 or EdDSA");
}

}  // namespace

tl::unexpected<Error> token_rejected(std::string why) {
  return fail(Code::user_token_rejected, "the user token " + std::move(why));
}

Result<Jws> parse_jws(std::string_view compact) {
  const std::size_t first = compact.find('.');
  const std::size_t second = first == compact.npos ? first : compact.find('.', first + 1);
  if (second == compact.npos || compact.find('.', second + 1) != compact.npos)
    return token_rejected("does not have three parts");
  Jws jws;
  NAE_ASSIGN(jws.scheme, scheme_of(compact.substr(0, first)));
  jws.signing_input = compact.substr(0, second);
  auto payload = decode_base64url(compact.substr(first + 1, second - first - 1));
  auto signature = decode_base64url(compact.substr(second + 1));
  if (!payload || !signature || signature->empty()) return token_rejected("is malformed");
  jws.payload = *std::move(payload);
  jws.signature = *std::move(signature);
  if (jws.scheme == SignatureScheme::ecdsa_p256_sha256) {
    if (jws.signature.size() != kEs256SignatureBytes) return token_rejected("is malformed");
    NAE_ASSIGN(jws.signature, crypto::ecdsa_signature_der(jws.signature));
  }
  return jws;
}

bool verifies(const Jws& jws, const crypto::PublicKey& key) {
  return key.verify(jws.scheme, as_bytes(jws.signing_input), jws.signature).value_or(false);
}

}  // namespace nae::identity
