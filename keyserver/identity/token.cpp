#include "keyserver/identity/token.hpp"

#include <algorithm>

#include "keyserver/identity/claims.hpp"
#include "keyserver/identity/json_object.hpp"
#include "keyserver/identity/jws.hpp"

namespace nae::identity {
namespace {

namespace json = boost::json;

bool made_by(const Jws& jws, const policy::Issuer& issuer) {
  return std::ranges::any_of(issuer.public_keys, [&](const std::string& pem) {
    auto key = crypto::PublicKey::from_pem(pem);
    return key && verifies(jws, *key);
  });
}

// Signature before audience: who cannot sign does not learn which audience would do.
Result<const policy::Issuer*> issuer_of(const Jws& jws, const json::object& payload,
                                        std::span<const policy::Issuer> issuers) {
  const std::string_view named = text_member(payload, "iss");
  bool known = false, signed_by_one = false;
  for (const policy::Issuer& issuer : issuers) {
    if (named.empty() || issuer.issuer != named) continue;
    known = true;
    if (!made_by(jws, issuer)) continue;
    signed_by_one = true;
    if (is_meant_for(payload, issuer.audience)) return &issuer;
  }
  if (!known) return token_rejected("names no issuer of the policy");
  if (!signed_by_one) return token_rejected("is not signed by its issuer");
  return token_rejected("is not meant for this key server: its audience is another");
}

// Answers when the token ends.
Result<std::int64_t> check_times(const json::object& payload, std::int64_t skew_us,
                                 std::int64_t now_us) {
  NAE_ASSIGN(const auto expires, date_member(payload, "exp"));
  NAE_ASSIGN(const auto not_before, date_member(payload, "nbf"));
  NAE_ASSIGN(const auto issued, date_member(payload, "iat"));
  if (!expires) return token_rejected("does not expire");
  if (now_us >= *expires + skew_us) return token_rejected("has expired");
  if (not_before && now_us < *not_before - skew_us) return token_rejected("is not valid yet");
  if (issued && now_us < *issued - skew_us) return token_rejected("was issued in the future");
  return *expires + skew_us;
}

// It stands in audit records, where a text that is cut or escaped might look like another user.
bool is_subject(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSubjectBytes &&
         std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

Result<policy::User> verify(std::string_view token, std::span<const policy::Issuer> issuers,
                            std::int64_t now_us) {
  if (token.size() > kMaxTokenBytes)
    return token_rejected("has more than " + std::to_string(kMaxTokenBytes) + " bytes");
  NAE_ASSIGN(const Jws jws, parse_jws(token));
  const auto payload = parse_unambiguous(as_text(jws.payload));
  if (!payload) return token_rejected("holds no claims");
  NAE_ASSIGN(const policy::Issuer* issuer, issuer_of(jws, *payload, issuers));
  policy::User user;
  NAE_ASSIGN(user.expires_at_us,
             check_times(*payload, issuer->clock_skew_seconds * 1'000'000, now_us));
  user.subject = text_member(*payload, "sub");
  if (!is_subject(user.subject)) return token_rejected("names no user");
  user.issuer = issuer->name;
  NAE_ASSIGN(user.claims, claims_of(*payload));
  return user;
}

}  // namespace nae::identity
