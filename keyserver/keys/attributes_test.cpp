#include "keyserver/keys/attributes.hpp"

#include <gtest/gtest.h>

namespace nae::keys {
namespace {

Code refusal(const Attributes& attributes, KeyType type = KeyType::aes_256_gcm) {
  auto checked = check(attributes, type);
  return checked ? Code{} : checked.error().code;
}

TEST(Attributes, TextsHaveBounds) {
  EXPECT_EQ(refusal({.owner = std::string(kMaxOwnerBytes, 'a')}), Code{});
  EXPECT_EQ(refusal({.owner = std::string(kMaxOwnerBytes + 1, 'a')}), Code::invalid_argument);
  EXPECT_EQ(refusal({.description = std::string(kMaxDescriptionBytes, 'a')}), Code{});
  EXPECT_EQ(refusal({.description = std::string(kMaxDescriptionBytes + 1, 'a')}),
            Code::invalid_argument);
  for (const char* text : {"a\nb", "a\x1b[2J", "a\x7f", "\xff"})
    EXPECT_EQ(refusal({.owner = text}), Code::invalid_argument) << text;
}

TEST(Attributes, LabelsHaveBounds) {
  const std::string longest(kMaxLabelNameBytes, 'a');
  EXPECT_EQ(refusal({.labels = {{longest, std::string(kMaxLabelValueBytes, 'b')}}}), Code{});
  EXPECT_EQ(refusal({.labels = {{longest + "a", ""}}}), Code::invalid_argument);
  EXPECT_EQ(refusal({.labels = {{"a", std::string(kMaxLabelValueBytes + 1, 'b')}}}),
            Code::invalid_argument);
  for (const char* name : {"", "a=b", "a b", "-a"})
    EXPECT_EQ(refusal({.labels = {{name, "x"}}}), Code::invalid_argument) << name;
  Attributes many;
  for (std::size_t i = 0; i < kMaxLabels; ++i) many.labels.emplace("l" + std::to_string(i), "x");
  EXPECT_EQ(refusal(many), Code{});
  many.labels.emplace("more", "x");
  EXPECT_EQ(refusal(many), Code::invalid_argument);
}

TEST(Attributes, AllowOnlyWhatTheTypeHas) {
  EXPECT_EQ(refusal({.actions = {Action::decrypt}}), Code{});
  EXPECT_EQ(refusal({.actions = {Action::sign}}), Code::invalid_argument);
  EXPECT_EQ(refusal({.algorithms = {SignatureScheme::rsa_pss_sha256}}), Code::invalid_argument);
  EXPECT_EQ(refusal({.algorithms = {SignatureScheme::rsa_pss_sha256}}, KeyType::rsa_2048), Code{});
  EXPECT_EQ(refusal({.algorithms = {SignatureScheme::key_default}}, KeyType::rsa_2048),
            Code::invalid_argument);
}

TEST(Attributes, DecryptionSchemesAreThoseOfKeysThatDecryptByOne) {
  const Attributes old{.decryptions = {DecryptionScheme::rsa_pkcs1}};
  EXPECT_EQ(refusal(old, KeyType::rsa_decrypt_2048), Code{});
  EXPECT_EQ(refusal(old, KeyType::rsa_2048), Code::invalid_argument);
  EXPECT_EQ(refusal(old), Code::invalid_argument);
  EXPECT_EQ(
      refusal({.decryptions = {static_cast<DecryptionScheme>(0xe0)}}, KeyType::rsa_decrypt_2048),
      Code::invalid_argument);
  const Attributes named{.modes = {CipherMode::aes_cbc}};
  EXPECT_EQ(refusal(named, KeyType::aes_256_raw), Code{});
  for (const KeyType other : {KeyType::aes_256_gcm, KeyType::rsa_decrypt_2048})
    EXPECT_EQ(refusal(named, other), Code::invalid_argument);
  EXPECT_TRUE(named.allows(CipherMode::aes_cbc));
  EXPECT_FALSE(named.allows(CipherMode::aes_gcm));
  EXPECT_TRUE(Attributes{}.allows(CipherMode::aes_kw));
  EXPECT_FALSE(Attributes{}.allows(CipherMode::aes_ctr)) << "it notices no change";
  EXPECT_EQ(refusal({.algorithms = {SignatureScheme::rsa_pss_sha256}}, KeyType::rsa_decrypt_2048),
            Code::invalid_argument);
}

TEST(Attributes, Pkcs1DecryptsWhenItIsNamed) {
  EXPECT_TRUE(Attributes{}.allows(DecryptionScheme::rsa_oaep_sha1));
  EXPECT_FALSE(Attributes{}.allows(DecryptionScheme::rsa_pkcs1));
  EXPECT_FALSE(Attributes{}.allows(static_cast<DecryptionScheme>(0xe0)));
  const Attributes old{.decryptions = {DecryptionScheme::rsa_pkcs1}};
  EXPECT_TRUE(old.allows(DecryptionScheme::rsa_pkcs1));
  EXPECT_FALSE(old.allows(DecryptionScheme::rsa_oaep_sha256));
}

TEST(Attributes, RotationHasBounds) {
  EXPECT_EQ(refusal({.rotate_after_days = kMaxRotateAfterDays}), Code{});
  EXPECT_EQ(refusal({.rotate_after_days = kMaxRotateAfterDays + 1}), Code::invalid_argument);
  EXPECT_EQ(refusal({.rotate_after_uses = kMaxRotateAfterUses}), Code{});
  EXPECT_EQ(refusal({.rotate_after_uses = kMaxRotateAfterUses + 1}), Code::invalid_argument);
  EXPECT_EQ(refusal({.rotate_after_uses = -1}), Code::invalid_argument);
}

TEST(Attributes, EmptyListsAllowEverything) {
  EXPECT_TRUE(Attributes{}.allows(Action::encrypt));
  EXPECT_TRUE(Attributes{}.allows(SignatureScheme::rsa_pkcs1_sha256));
  const Attributes reader{.actions = {Action::decrypt},
                          .algorithms = {SignatureScheme::rsa_pss_sha256}};
  EXPECT_TRUE(reader.allows(Action::decrypt));
  EXPECT_FALSE(reader.allows(Action::encrypt));
  EXPECT_FALSE(reader.allows(Action::rewrap)) << "none implies another";
  EXPECT_FALSE(reader.allows(SignatureScheme::rsa_pkcs1_sha256));
}

TEST(Protection, HasAName) {
  for (Protection protection : {Protection::wrapped, Protection::hsm_only}) {
    EXPECT_EQ(protection_from_name(name(protection)), protection);
    EXPECT_EQ(protection_from_number(static_cast<std::int64_t>(protection)), protection);
  }
  EXPECT_FALSE(protection_from_name("none"));
  EXPECT_FALSE(protection_from_number(0));
  EXPECT_FALSE(protection_from_number(3));
}

}  // namespace
}  // namespace nae::keys
