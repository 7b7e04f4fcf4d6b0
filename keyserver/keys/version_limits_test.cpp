// The bounds of docs/spec/envelope.md, each at it and one past it.
#include "keyserver/keys/version_limits.hpp"

#include <gtest/gtest.h>

namespace nae::keys {
namespace {

Key key_of(KeyType type, Protection protection, UsageCount used) {
  Key key;
  key.name = "pii";
  key.type = type;
  key.protection = protection;
  Version version;
  version.number = 7;
  used.reserved_uses = used.uses;
  version.usage = std::make_shared<VersionUsage>(used);
  key.versions.push_back(std::move(version));
  return key;
}

Result<void> uses(KeyType type, Protection protection, std::int64_t used, std::uint64_t items) {
  const Key key = key_of(type, protection, UsageCount{.uses = used});
  return check_uses(key, key.versions[0], items);
}

Result<void> salts(KeyType type, Protection protection, std::int64_t used) {
  const Key key = key_of(type, protection, UsageCount{.salts = used});
  return check_salts(key, key.versions[0]);
}

// A cipher that nobody counts would encrypt beyond what its nonces allow.
TEST(VersionLimits, AreOfEveryTypeThatEncryptsAndNoOther) {
  for (const KeyTypeRow& type : key_types())
    for (Protection protection : {Protection::wrapped, Protection::hsm_only})
      EXPECT_EQ(limits_of(type.type, protection).has_value(), allows(type.type, Action::encrypt))
          << type.name;
}

TEST(VersionLimits, AreThoseOfTheFormat) {
  EXPECT_EQ(limits_of(KeyType::aes_256_gcm, Protection::wrapped)->uses, kMaxUses);
  EXPECT_EQ(limits_of(KeyType::aes_256_gcm, Protection::wrapped)->salts, 16'777'216);
  EXPECT_LT(limits_of(KeyType::aes_256_gcm, Protection::hsm_only)->uses, std::int64_t{1} << 32)
      << "random nonces, SP 800-38D section 8.3";
  EXPECT_EQ(limits_of(KeyType::aes_256_gcm, Protection::hsm_only)->salts, 0);
  EXPECT_EQ(limits_of(KeyType::aes_256_siv, Protection::wrapped)->salts, 0);
  for (KeyType type : {KeyType::hmac_sha_256, KeyType::hmac_sha_256_raw, KeyType::rsa_3072,
                       KeyType::ecdsa_p256, KeyType::ed25519})
    for (Protection protection : {Protection::wrapped, Protection::hsm_only})
      EXPECT_FALSE(limits_of(type, protection)) << name(type);
}

TEST(VersionLimits, TheLastUseIsGrantedAndTheNextIsNot) {
  struct {
    KeyType type;
    Protection protection;
    std::int64_t most;
  } const kCases[] = {{KeyType::aes_256_gcm, Protection::wrapped, kMaxUses},
                      {KeyType::aes_256_gcm, Protection::hsm_only, kMaxHsmUses},
                      {KeyType::aes_256_raw, Protection::hsm_only, kMaxHsmUses},
                      {KeyType::aes_256_siv, Protection::wrapped, kMaxUses}};
  for (const auto& [type, protection, most] : kCases) {
    EXPECT_TRUE(uses(type, protection, 0, static_cast<std::uint64_t>(most)));
    EXPECT_TRUE(uses(type, protection, most - 1, 1));
    EXPECT_EQ(uses(type, protection, most - 1, 2).error().code, Code::key_exhausted);
    EXPECT_EQ(uses(type, protection, most, 1).error().code, Code::key_exhausted);
    EXPECT_EQ(uses(type, protection, most + 5, 1).error().code, Code::key_exhausted)
        << "counts may be ahead of what was done";
    EXPECT_EQ(uses(type, protection, 0, UINT64_MAX).error().code, Code::key_exhausted)
        << "no sum wraps around";
  }
  const Error error = uses(KeyType::aes_256_gcm, Protection::wrapped, kMaxUses, 1).error();
  EXPECT_NE(error.message.find("version 7 of key 'pii'"), std::string::npos) << error.message;
  EXPECT_EQ(error.hint, "Rotate the key: nae key rotate pii");
}

TEST(VersionLimits, SaltsAreThoseOfLeases) {
  EXPECT_TRUE(salts(KeyType::aes_256_gcm, Protection::wrapped, kMaxSalts - 1));
  EXPECT_EQ(salts(KeyType::aes_256_gcm, Protection::wrapped, kMaxSalts).error().code,
            Code::key_exhausted);
  EXPECT_TRUE(salts(KeyType::aes_256_gcm, Protection::hsm_only, kMaxSalts)) << "it draws none";
  EXPECT_TRUE(salts(KeyType::aes_256_siv, Protection::wrapped, kMaxSalts));
}

TEST(VersionLimits, BindNoTypeThatDoesNotEncrypt) {
  EXPECT_TRUE(uses(KeyType::hmac_sha_256, Protection::wrapped, INT64_MAX, UINT64_MAX));
  EXPECT_TRUE(salts(KeyType::ecdsa_p256, Protection::wrapped, INT64_MAX));
}

}  // namespace
}  // namespace nae::keys
