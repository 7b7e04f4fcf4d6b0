#include "keyserver/hsm/provision.hpp"

#include <gtest/gtest.h>

#include "keyserver/hsm/group.hpp"
#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_lasting_object.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::hsm {
namespace {

std::unique_ptr<Session> session_on(const Module& module, const TestToken& token) {
  return std::move(*open_session(module, token.options().token_label,
                                 read_pin(token.options().pin_file)->value));
}

TEST(Provision, RefusesAMissingTokenWithoutAnSoPin) {
  const TestToken token{TestToken::Unprovisioned{}};
  const auto made = initialise({token.options(), std::nullopt});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::hsm_token_missing);
}

TEST(Provision, RefusesASecondTime) {
  const TestToken token;
  const auto again = initialise(token.provision());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::already_initialised);
  EXPECT_TRUE(Pkcs11Hsm::open(token.options()));
}

TEST(Provision, RefusesWhenOneLabelIsTakenAndLeavesNothing) {
  const TestToken token;
  {
    const auto module = std::move(*token.module());
    const auto session = session_on(*module, token);
    ASSERT_TRUE(generate_pair_on_token(*session, KeyType::ecdsa_p256, "second-audit", {}));
  }
  Provision second = token.provision();
  second.hsm.group_key_label = "second";
  second.group = {2};
  const auto made = initialise(second);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::already_initialised);
  const auto module = std::move(*token.module());
  EXPECT_FALSE(*session_on(*module, token)->find(CKO_SECRET_KEY, "second"));
}

TEST(Provision, IsTakenBackForAnotherTry) {
  const TestToken token;
  ASSERT_TRUE(remove_keys(token.options()));
  EXPECT_EQ(Pkcs11Hsm::open(token.options()).error().code, Code::group_key_missing);
  EXPECT_TRUE(initialise(token.provision()));
  EXPECT_TRUE(Pkcs11Hsm::open(token.options()));
}

TEST(Provision, AnObjectThatStaysIsToldAndTheOthersGo) {
  const TestToken token;
  const std::string label = token.options().group_key_label;
  const custody::GroupId group = token.provision().group;
  {
    const auto module = std::move(*token.module());
    const auto session = session_on(*module, token);
    ASSERT_TRUE(put_lasting_object(*session, label, object_id(custody::Kept::group_key, group)));
  }
  const auto removed = remove_group(token.options(), group);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Code::hsm_failed) << removed.error().message;
  const auto module = std::move(*token.module());
  const auto session = session_on(*module, token);
  EXPECT_TRUE(*session->find(CKO_SECRET_KEY, label)) << "one: the other one went";
  for (const custody::Kept kind : kGroupKinds) {
    if (kind != custody::Kept::group_key) {
      EXPECT_FALSE(*session->find(CKO_SECRET_KEY, label_of(kind, label)));
      EXPECT_FALSE(*session->find(CKO_PRIVATE_KEY, label_of(kind, label)));
      EXPECT_FALSE(*session->find(CKO_PUBLIC_KEY, label_of(kind, label)));
    }
  }
}

TEST(Provision, AddsAGroupToAnExistingToken) {
  const TestToken token;
  Provision second = token.provision();
  second.hsm.group_key_label = "second";
  second.group = {2};
  const auto made = initialise(second);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->token_created);
  EXPECT_EQ(made->group.kept.size(), std::size(kGroupKinds));
}

TEST(Provision, NamesAFullTokenAndLeavesNothing) {
  const TestToken token;
  Provision second = token.provision();
  second.hsm.group_key_label = "second";
  second.group = {2};
  // Half an object is written, and small objects only. Below 320 bytes SoftHSM would lose the token
  // itself: it writes token.object anew at every login.
  for (rlim_t bytes : {330, 750}) {
    const auto made = [&] {
      const FileSizeLimit disk_full(bytes);
      return initialise(second);
    }();
    ASSERT_FALSE(made) << bytes;
    EXPECT_EQ(made.error().code, Code::hsm_token_full) << made.error().message;
  }
  const auto made = initialise(second);
  EXPECT_TRUE(made) << made.error().message;
  EXPECT_TRUE(Pkcs11Hsm::open(token.options())) << "the first group is as it was";
}

TEST(Provision, RefusesAWrongPinForAnExistingToken) {
  const TestToken token;
  token.write("pin", "999999");
  const auto made = initialise(token.provision());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::hsm_pin_rejected);
}

TEST(Provision, TheGroupKeyWrapsAndDoesNothingElse) {
  const TestToken token;
  const auto module = std::move(*token.module());
  const auto session = session_on(*module, token);
  const auto group_key = *session->find(CKO_SECRET_KEY, token.options().group_key_label);
  ASSERT_TRUE(group_key);
  const auto flag = [&](CK_ATTRIBUTE_TYPE type) {
    return session->read_attribute(*group_key, type)->front() == CK_TRUE;
  };
  for (CK_ATTRIBUTE_TYPE yes : {CKA_WRAP, CKA_UNWRAP, CKA_SENSITIVE, CKA_PRIVATE})
    EXPECT_TRUE(flag(yes)) << yes;
  for (CK_ATTRIBUTE_TYPE no :
       {CKA_EXTRACTABLE, CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_DERIVE})
    EXPECT_FALSE(flag(no)) << no;
  EXPECT_FALSE(session->read_attribute(*group_key, CKA_VALUE));
}

}  // namespace
}  // namespace nae::hsm
