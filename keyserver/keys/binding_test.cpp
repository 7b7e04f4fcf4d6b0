// Whoever can write the store tries to make a secret mean something else; on SoftHSM.
#include "keyserver/keys/binding.hpp"

#include "keyserver/keys/test_ring.hpp"
#include "libnae/crypto/kdf.hpp"

namespace nae::keys {
namespace {

// A store with one key of each kind of material, and a hand in it.
class Bindings : public Ring {
 protected:
  Bindings() {
    for (KeyType type :
         {KeyType::aes_256_siv, KeyType::hmac_sha_256_raw, KeyType::ecdsa_p256, KeyType::ed25519})
      EXPECT_TRUE(ring.create(nae::name(type), type));
    EXPECT_TRUE(ring.rotate("aes-256-siv"));
    untouched = repository.keys;
  }
  Key& stored(std::string_view name) {
    return *std::ranges::find(repository.keys, name, &Key::name);
  }
  // The code of load() after `change` of version 1 of the key called `name`.
  Code after(std::string_view name, const std::function<void(Key&, Version&)>& change) {
    repository.keys = untouched;
    Key& key = stored(name);
    Version version = key.versions[0];
    change(key, version);
    key.versions.replace(0, version);
    const Code code = load_error();
    repository.keys = untouched;
    return code;
  }
  std::vector<Key> untouched;
};

TEST_F(Bindings, AnUntouchedStoreLoads) {
  EXPECT_TRUE(ring.load());
  EXPECT_EQ(ring.find("aes-256-siv")->origin(), Origin::generated);
}

TEST_F(Bindings, ASecretInARowOfAnotherTypeIsNoKey) {
  // The fault as it was found: the secret of an encryption key in a row of a raw HMAC key.
  const Version siv = stored("aes-256-siv").versions[0];
  EXPECT_EQ(after("hmac-sha-256-raw", [&](Key&, Version& v) { v.material = siv.material; }),
            Code::store_corrupt);
  EXPECT_EQ(after("hmac-sha-256-raw",
                  [&](Key&, Version& v) {
                    v.material = siv.material;
                    v.binding = siv.binding;
                  }),
            Code::store_corrupt);
  EXPECT_EQ(after("aes-256-siv", [](Key& k, Version&) { k.type = KeyType::hmac_sha_256_raw; }),
            Code::store_corrupt);
  EXPECT_EQ(after("aes-256-siv", [](Key& k, Version&) { k.protection = Protection::hsm_only; }),
            Code::store_corrupt);
}

TEST_F(Bindings, NothingOfARowCanBeAnothers) {
  const Version second = stored("aes-256-siv").versions[1];
  const Version ec = stored("ecdsa-p256").versions[0];
  const auto refused = [&](std::string_view name, const char* what,
                           const std::function<void(Key&, Version&)>& change) {
    EXPECT_EQ(after(name, change), Code::store_corrupt) << what;
  };
  refused("aes-256-siv", "version", [&](Key&, Version& v) { v.material = second.material; });
  refused("aes-256-siv", "whole version", [&](Key&, Version& v) {
    v.material = second.material;
    v.binding = second.binding;
  });
  refused("aes-256-siv", "id", [](Key& k, Version&) { k.id.bytes[5] ^= 1; });
  refused("aes-256-siv", "name", [](Key& k, Version&) { k.name = "another"; });
  refused("aes-256-siv", "origin", [](Key&, Version& v) { v.binding.origin = Origin::imported; });
  refused("aes-256-siv", "check value", [](Key&, Version& v) { v.binding.check_value[0] ^= 1; });
  refused("aes-256-siv", "no binding", [](Key&, Version& v) { v.binding = {}; });
  refused("aes-256-siv", "signature", [](Key&, Version& v) { v.binding.signature.back() ^= 1; });
  refused("ed25519", "public key",
          [&](Key&, Version& v) { v.material.public_key = ec.material.public_key; });
  refused("ed25519", "token object",
          [](Key&, Version& v) { v.material.token_object = "nae-group-authority"; });
  refused("ecdsa-p256", "moved to the token", [](Key&, Version& v) {
    v.material.token_object = "nae-group-audit";
    v.material.wrapped.clear();
  });
}

TEST_F(Bindings, WhatChangesInAKeysLifeIsNotBound) {
  for (State state : {State::restricted, State::retired, State::restricted})
    ASSERT_TRUE(ring.set_state("aes-256-siv", 1, state));
  ASSERT_TRUE(ring.set_attributes("aes-256-siv", {.owner = "crm"}));
  EXPECT_TRUE(ring.load());
  ASSERT_TRUE(ring.set_state("aes-256-siv", 1, State::retired));
  ASSERT_TRUE(ring.set_state("aes-256-siv", 1, State::destroyed));
  EXPECT_TRUE(ring.load()) << "a destroyed version has nothing to be bound";
  EXPECT_TRUE(ring.find("aes-256-siv")->versions[0].binding.signature.empty());
  EXPECT_EQ(ring.find("aes-256-siv")->versions[0].binding.check_value,
            untouched[0].versions[0].binding.check_value);
}

TEST_F(Bindings, AnotherTokensBindingIsNone) {
  hsm::Provision other = token.provision();
  other.group = {2};
  other.hsm.group_key_label = "other-group";
  ASSERT_TRUE(hsm::initialise(other));
  const auto stranger = std::move(*hsm::Pkcs11Hsm::open(other.hsm));
  EXPECT_EQ(after("ed25519",
                  [&](Key& k, Version& v) {
                    v.binding.signature =
                        *stranger->sign_as(ServerKey::binding, binding_statement(k, v));
                  }),
            Code::store_corrupt);
  EXPECT_EQ(after("ed25519",
                  [&](Key& k, Version& v) {
                    v.binding.signature = *hsm->sign_as(ServerKey::audit, binding_statement(k, v));
                  }),
            Code::store_corrupt)
      << "nor is a signature of the audit key";
}

TEST_F(Bindings, ManyAreCheckedByThreadsAndNoneIsLeftOut) {
  std::vector<Key> many;
  const Key& good = stored("ed25519");
  Key bad = good;
  bad.name = "bad";
  const BindingCheck check =
      std::move(*BindingCheck::with(*hsm->public_key_of(ServerKey::binding)));
  EXPECT_TRUE(check.check(many));
  many.assign(5001, good);
  EXPECT_TRUE(check.check(many));
  for (std::size_t at : {2500u, 2501u, 5000u}) {
    many[at] = bad;
    EXPECT_EQ(check.check(many).error().code, Code::store_corrupt) << at;
    many[at] = good;
  }
}

TEST_F(Bindings, TwoRowsOfOneSecretServeNotBoth) {
  // As a store from before may have it.
  Key twin = untouched[0];
  twin.id.bytes[0] ^= 1;
  twin.name = "twin";
  twin.type = KeyType::hmac_sha_256_raw;
  Version version = twin.versions[0];
  version.state = State::retired;
  ASSERT_TRUE(bind(*hsm, twin, version));
  twin.versions = {version};
  repository.keys.push_back(twin);
  ASSERT_TRUE(ring.load());
  EXPECT_EQ(state_error("twin", 1, State::restricted), Code::key_state);
  ASSERT_TRUE(ring.set_state("aes-256-siv", 1, State::restricted));
  ASSERT_TRUE(ring.set_state("aes-256-siv", 1, State::retired));
  EXPECT_EQ(state_error("aes-256-siv", 1, State::restricted), Code::key_state);
  ASSERT_TRUE(ring.set_state("twin", 1, State::destroyed));
  EXPECT_TRUE(ring.set_state("aes-256-siv", 1, State::restricted));
}

}  // namespace
}  // namespace nae::keys
