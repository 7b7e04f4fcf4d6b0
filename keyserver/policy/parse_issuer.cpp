// [[issuer]]: who vouches for end users.
#include "keyserver/policy/fields.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::policy {
namespace {

Result<std::string> token_text_field(const toml::table& table, std::string_view field) {
  NAE_ASSIGN(std::string text, text_field(table, field));
  if (text.empty() || text.size() > kMaxIssuerTextBytes || has_control_characters(text))
    return refuse(line_of(*table.get(field)), quoted(field) + " has 1 to " +
                                                  std::to_string(kMaxIssuerTextBytes) +
                                                  " bytes and no control characters");
  return text;
}

// The types of key that RFC 7518 and RFC 8037 name a signature for and we verify.
Result<void> check_key(const Entry& entry) {
  auto key = crypto::PublicKey::from_pem(entry.text);
  if (!key)
    return refuse(entry.line,
                  "a public key is one PEM block of SubjectPublicKeyInfo "
                  "(-----BEGIN PUBLIC KEY-----)");
  switch (key->type()) {
    case KeyType::rsa_2048:
    case KeyType::rsa_3072:
    case KeyType::rsa_4096:
    case KeyType::ecdsa_p256:
    case KeyType::ed25519:
      return {};
    default:
      return refuse(entry.line, "a public key is RSA, EC P-256 or Ed25519");
  }
}

}  // namespace

Result<Issuer> read_issuer(const toml::table& table) {
  NAE_TRY(only_fields(
      table, "[[issuer]]",
      {"name", "description", "issuer", "audience", "public_keys", "clock_skew_seconds"}));
  Issuer issuer;
  NAE_ASSIGN(issuer.name, name_field(table));
  NAE_TRY(description_field(table));
  NAE_ASSIGN(issuer.issuer, token_text_field(table, "issuer"));
  NAE_ASSIGN(issuer.audience, token_text_field(table, "audience"));
  NAE_ASSIGN(std::vector<Entry> keys, list_field(table, "public_keys"));
  if (keys.empty()) return refuse(line_of(table), "field \"public_keys\" is missing");
  if (keys.size() > kMaxIssuerKeys)
    return refuse(line_of(*table.get("public_keys")),
                  "\"public_keys\" has more than " + std::to_string(kMaxIssuerKeys) + " entries");
  for (const Entry& key : keys) NAE_TRY(check_key(key));
  issuer.public_keys = texts(std::move(keys));
  NAE_ASSIGN(std::optional<std::int64_t> skew,
             integer_field(table, "clock_skew_seconds", 0, kMaxClockSkewSeconds));
  issuer.clock_skew_seconds = skew.value_or(issuer.clock_skew_seconds);
  return issuer;
}

}  // namespace nae::policy
