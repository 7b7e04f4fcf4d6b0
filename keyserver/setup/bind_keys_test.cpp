// Stores of older servers: what is bound once, and what is not believed afterwards; on SoftHSM.
#include "keyserver/setup/bind_keys.hpp"

#include <gtest/gtest.h>

#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/store/sqlite/test_store.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"

namespace nae::setup {
namespace {

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

using keys::State;

class BindKeys : public store::sqlite::StoreTest {
 protected:
  BindKeys() {
    const auto module = std::move(*token.module());
    const auto session = std::move(*hsm::open_session(
        *module, token.options().token_label, hsm::read_pin(token.options().pin_file)->value));
    EXPECT_TRUE(session->destroy(**session->find(CKO_SECRET_KEY, "nae-group-check")));
    for (CK_OBJECT_CLASS half : {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY})
      EXPECT_TRUE(session->destroy(**session->find(half, "nae-group-binding")));
    hsm = std::move(*hsm::Pkcs11Hsm::open(token.options()));
    store = create();
  }
  // As a server wrote it that did not bind.
  keys::Key add(std::string name, KeyType type, Byte id,
                const std::optional<keys::Material>& material = {}) {
    keys::Key key = store::sqlite::make_key(std::move(name), id);
    key.type = type;
    keys::Version version = store::sqlite::make_version(1);
    version.material = material ? *material : *hsm->generate({key.id, 1}, type);
    key.versions.replace(0, version);
    EXPECT_TRUE(store->insert_key(key));
    return key;
  }
  Result<void> load() {
    keys::KeyRing loaded(*store, store.get(), [this](keys::HsmJob job) { return job(*hsm); });
    return loaded.load();
  }
  State state_of(std::string_view name) {
    const auto stored = store->load_keys();
    for (const keys::Key& key : *stored)
      if (key.name == name) return key.versions[0].state;
    return State{};
  }

  hsm::TestToken token;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm;
  std::unique_ptr<store::Store> store;
};

TEST_F(BindKeys, AStoreFromBeforeIsBoundOnceAsItStands) {
  for (Byte id = 1; KeyType type : {KeyType::aes_256_siv, KeyType::ecdsa_p256, KeyType::ed25519})
    add("key-" + std::to_string(id), type, id), ++id;
  EXPECT_EQ(load().error().code, Code::hsm_failed) << "there is no key yet that binds";
  auto bound = bind_keys(*store, *hsm);
  ASSERT_TRUE(bound) << bound.error().message;
  ASSERT_TRUE(*bound);
  EXPECT_EQ((*bound)->versions, 3u);
  EXPECT_EQ((*bound)->detail, "3 versions of keys bound as they stood");
  EXPECT_TRUE(load());
  EXPECT_EQ(store->load_keys()->front().origin(), keys::Origin::unknown);
  ASSERT_TRUE(hsm->finish_binding());
  EXPECT_FALSE(*bind_keys(*store, *hsm)) << "never again";
  // A hand that makes the store look old again.
  tamper("UPDATE versions SET binding = x'', check_value = x'' WHERE key_id = x'010203040506'");
  EXPECT_FALSE(*bind_keys(*store, *hsm));
  EXPECT_EQ(load().error().code, Code::store_corrupt);
}

TEST_F(BindKeys, ACrashOnTheWayBeginsAnew) {
  add("a", KeyType::aes_256_gcm, 1);
  ASSERT_TRUE(*bind_keys(*store, *hsm));
  add("b", KeyType::aes_256_gcm, 2);  // the older server was started once more
  hsm = std::move(*hsm::Pkcs11Hsm::open(token.options()));
  auto again = bind_keys(*store, *hsm);
  ASSERT_TRUE(again && *again) << again.error().message;
  EXPECT_EQ((*again)->versions, 2u);
  EXPECT_TRUE(load());
}

TEST_F(BindKeys, ARawTwinIsRetiredAndRecorded) {
  const keys::Key siv = add("siv", KeyType::aes_256_siv, 1);
  add("innocent", KeyType::hmac_sha_256_raw, 2);
  // As it was found: the same wrapped secret in a row of another type.
  add("twin", KeyType::hmac_sha_256_raw, 3, siv.versions[0].material);
  add("harmless", KeyType::aes_256_gcm, 4, siv.versions[0].material);
  auto bound = bind_keys(*store, *hsm);
  ASSERT_TRUE(bound && *bound);
  EXPECT_EQ(
      (*bound)->detail,
      "4 versions of keys bound as they stood; of one secret: version 1 of twin and version 1 "
      "of siv, version 1 of harmless and version 1 of siv; retired for it: version 1 of twin");
  EXPECT_EQ(state_of("twin"), State::retired);
  EXPECT_EQ(state_of("siv"), State::active);
  EXPECT_EQ(state_of("harmless"), State::active);
  EXPECT_EQ(state_of("innocent"), State::active);
  EXPECT_TRUE(load());
}

TEST_F(BindKeys, TheRawTwinIsRetiredAlsoWhenItComesFirst) {
  const keys::Key raw = add("raw", KeyType::hmac_sha_256_raw, 1);
  add("gcm", KeyType::aes_256_gcm, 2, raw.versions[0].material);
  ASSERT_TRUE(*bind_keys(*store, *hsm));
  EXPECT_EQ(state_of("raw"), State::retired);
  EXPECT_EQ(state_of("gcm"), State::active);
}

TEST_F(BindKeys, WhatTheGroupKeyDoesNotOpenKeepsNoServerFromStarting) {
  add("good", KeyType::aes_256_gcm, 1);
  add("bad", KeyType::aes_256_gcm, 2, keys::Material{Bytes(40, 1), "", {}});
  auto bound = bind_keys(*store, *hsm);
  ASSERT_TRUE(bound && *bound) << bound.error().message;
  EXPECT_NE((*bound)->detail.find("does not open: version 1 of bad"), std::string::npos);
  EXPECT_TRUE(load());
}

TEST_F(BindKeys, AStoreFromBeforeThatComesLateIsAcceptedWithARecordOnly) {
  ASSERT_TRUE(*bind_keys(*store, *hsm));
  std::vector<std::string> records;
  auto accept = [&](bool written = true) {
    return accept_keys(*store, *hsm, [&](const std::string& detail) -> Result<void> {
      records.push_back(detail);
      if (!written) return fail(Code::audit_unavailable, "no room");
      return {};
    });
  };
  EXPECT_EQ(accept().error().code, Code::conflict) << "the first start does it";
  ASSERT_TRUE(hsm->finish_binding());
  EXPECT_EQ(accept().error().code, Code::conflict) << "nothing is unbound";
  EXPECT_TRUE(records.empty());
  add("late", KeyType::aes_256_siv, 1);
  EXPECT_EQ(load().error().code, Code::store_corrupt);
  EXPECT_EQ(accept(false).error().code, Code::audit_unavailable);
  EXPECT_EQ(load().error().code, Code::store_corrupt) << "not without its record";
  auto accepted = accept();
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(records.back(), "1 versions of keys bound as they stood: version 1 of late");
  EXPECT_TRUE(load());
  // What is bound to something else is not what nobody has bound.
  tamper("UPDATE versions SET wrapped = x'00'");
  EXPECT_EQ(accept().error().code, Code::conflict);
  EXPECT_EQ(load().error().code, Code::store_corrupt);
}

}  // namespace
}  // namespace nae::setup
