// Keys that go into custody and come back, on real tokens.
#include "keyserver/hsm/group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::hsm {
namespace {

using custody::Kept;

class GroupTest : public testing::Test {
 protected:
  GroupTest() {
    Provision provision = token_.provision();
    provision.group = {1, 2, 3};
    wrapped_ = std::move(initialise(provision).value().group);
  }
  Provision elsewhere(const WrappedGroup& group) const {
    Provision provision = token_.provision();
    provision.hsm.group_key_label = "restored";
    provision.group = group.group;
    provision.brought_back = &group;
    return provision;
  }
  Code refusal(const WrappedGroup& group) const {
    const auto back = initialise(elsewhere(group));
    EXPECT_FALSE(Pkcs11Hsm::open(elsewhere(group).hsm)) << "nothing of it stays";
    return back ? Code::internal : back.error().code;
  }

  const TestToken token_{TestToken::Unprovisioned{}};
  WrappedGroup wrapped_;
};

// Material, signatures and check values of before hold of what came back.
TEST_F(GroupTest, WhatIsBroughtBackIsTheSameGroup) {
  keys::Material material;
  Bytes code(keys::kHmacBytes), signature;
  const KeyVersionId id{KeyId{{1}}, 1};
  const auto key = [&] {
    return keys::HsmKey{id, KeyType::hmac_sha_256_raw, material, keys::Protection::wrapped};
  };
  const auto mac = [&](Pkcs11Hsm& hsm) {
    Bytes out(keys::kHmacBytes);
    const auto done = hsm.mac(key(), {}, as_bytes("data"), std::span<Byte, 32>(out));
    EXPECT_TRUE(done) << done.error().message;
    return out;
  };
  Bytes check_value;
  std::vector<Bytes> public_keys;
  {
    const auto first = std::move(*Pkcs11Hsm::open(token_.options()));
    material = first->generate(id, KeyType::hmac_sha_256_raw).value();
    code = mac(*first);
    signature = first->sign_as(keys::ServerKey::audit, as_bytes("head")).value();
    check_value = first->check_value(KeyType::hmac_sha_256_raw, material).value();
    for (const keys::ServerKey server : keys::kServerKeys)
      public_keys.push_back(first->public_key_of(server).value());
  }
  ASSERT_TRUE(remove_keys(token_.options()));
  const auto back = initialise(elsewhere(wrapped_));
  ASSERT_TRUE(back) << back.error().message;
  const auto hsm = std::move(*Pkcs11Hsm::open(elsewhere(wrapped_).hsm));
  EXPECT_EQ(mac(*hsm), code) << "it opens what the first one wrapped";
  EXPECT_EQ(hsm->check_value(KeyType::hmac_sha_256_raw, material).value(), check_value);
  for (const keys::ServerKey server : keys::kServerKeys) {
    const Bytes spki = hsm->public_key_of(server).value();
    EXPECT_EQ(spki, public_keys.at(static_cast<std::size_t>(server)));
    const auto verifier = crypto::PublicKey::from_der(spki).value();
    const Bytes again = hsm->sign_as(server, as_bytes("head")).value();
    EXPECT_TRUE(verifier.verify(SignatureScheme::key_default, as_bytes("head"), again).value());
    EXPECT_EQ(verifier.verify(SignatureScheme::key_default, as_bytes("head"), signature).value(),
              server == keys::ServerKey::audit);
  }
  EXPECT_TRUE(hsm->binds().value());
}

TEST_F(GroupTest, NothingComesBackByAnotherSecret) {
  wrapped_.secret.expose_for_writing()[31] ^= 1;
  EXPECT_EQ(refusal(wrapped_), Code::authentication_failed);
}

TEST_F(GroupTest, NothingComesBackOfAnotherGroupOrGeneration) {
  wrapped_.generation = 2;
  EXPECT_EQ(refusal(wrapped_), Code::authentication_failed);
  wrapped_.generation = 1;
  wrapped_.group[0] ^= 1;
  EXPECT_EQ(refusal(wrapped_), Code::authentication_failed);
}

TEST_F(GroupTest, AKeyThatWasChangedOrExchangedIsNotBroughtBack) {
  for (std::size_t i = 0; i < wrapped_.kept.size(); ++i) {
    wrapped_.kept[i].wrapped.back() ^= 1;
    EXPECT_EQ(refusal(wrapped_), Code::authentication_failed) << i;
    wrapped_.kept[i].wrapped.back() ^= 1;
  }
  std::swap(wrapped_.kept[2].wrapped, wrapped_.kept[3].wrapped);
  EXPECT_EQ(refusal(wrapped_), Code::authentication_failed) << "the authority's for the audit's";
}

TEST_F(GroupTest, AGroupKeyOfAnotherCheckIsRefused) {
  wrapped_.check[0] ^= 1;
  EXPECT_EQ(refusal(wrapped_), Code::authentication_failed);
}

TEST_F(GroupTest, ATokenThatHoldsAGroupTakesNoOther) {
  Provision onto = elsewhere(wrapped_);
  onto.hsm.group_key_label = token_.options().group_key_label;
  const auto back = initialise(onto);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::already_initialised);
  EXPECT_TRUE(Pkcs11Hsm::open(token_.options()));
}

TEST_F(GroupTest, AFullTokenIsNamedAndKeepsNothing) {
  const auto back = [&] {
    const FileSizeLimit disk_full(330);
    return initialise(elsewhere(wrapped_));
  }();
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::hsm_token_full) << back.error().message;
  EXPECT_TRUE(initialise(elsewhere(wrapped_)));
}

TEST_F(GroupTest, TwoGroupsHaveNothingInCommon) {
  Provision other = token_.provision();
  other.hsm.group_key_label = "other";
  other.group = {9};
  const auto made = initialise(other);
  ASSERT_TRUE(made);
  EXPECT_FALSE(std::ranges::equal(made->group.secret.expose(), wrapped_.secret.expose()));
  EXPECT_NE(made->group.check, wrapped_.check);
  for (std::size_t i = 0; i < wrapped_.kept.size(); ++i)
    EXPECT_NE(made->group.kept[i].wrapped, wrapped_.kept[i].wrapped);
}

}  // namespace
}  // namespace nae::hsm
