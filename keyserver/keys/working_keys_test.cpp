#include "keyserver/keys/working_keys.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "keyserver/keys/test_working.hpp"
#include "libnae/crypto/cloned_generator_test_environment.hpp"

namespace nae::keys {
namespace {

using testing::Working;

using namespace std::chrono_literals;

TEST_F(Working, RefusesVersionsAndTypesThatAreNot) {
  WorkingKeys working(*provider);
  const Key mac = key_of(KeyType::hmac_sha_256);
  EXPECT_EQ(working.derive_gcm(*hsm, gcm, 3, salt).error().code, Code::key_unknown);
  EXPECT_EQ(working.derive_gcm(*hsm, mac, 1, salt).error().code, Code::key_type);
  EXPECT_EQ(working.derive_siv(*hsm, gcm, 1).error().code, Code::key_type);
  EXPECT_EQ(working.derive_mac(*hsm, gcm, 1, MacPurpose::code).error().code, Code::key_type);
  EXPECT_EQ(working.begin_encryption(*hsm, mac, 1, 1).error().code, Code::key_type);
  EXPECT_EQ(working.begin_encryption(*hsm, gcm, 0, 1).error().code, Code::key_unknown);
  EXPECT_EQ(working.size(), 0u);
}

// Their secret never leaves the HSM, in no derived form either.
TEST_F(Working, RefusesKeysThatAreHsmOnly) {
  WorkingKeys working(*provider);
  for (KeyType type : {KeyType::aes_256_gcm, KeyType::aes_256_siv, KeyType::hmac_sha_256}) {
    Key key = key_of(type);
    key.protection = Protection::hsm_only;
    Code refusal{};
    if (type == KeyType::aes_256_gcm) {
      refusal = working.derive_gcm(*hsm, key, 1, salt).error().code;
      EXPECT_EQ(working.begin_encryption(*hsm, key, 1, 1).error().code, Code::key_type);
    } else if (type == KeyType::aes_256_siv) {
      refusal = working.derive_siv(*hsm, key, 1).error().code;
    } else {
      refusal = working.derive_mac(*hsm, key, 1, MacPurpose::blind_index).error().code;
    }
    EXPECT_EQ(refusal, Code::key_type) << nae::name(type);
  }
  EXPECT_EQ(working.size(), 0u);
}

TEST_F(Working, FindsOnlyWhatWasDerived) {
  WorkingKeys working(*provider);
  EXPECT_EQ(working.find_gcm(id, salt), nullptr);
  const auto made = *working.derive_gcm(*hsm, gcm, 1, salt);
  EXPECT_EQ(working.find_gcm(id, salt), made);
  EXPECT_EQ(*working.derive_gcm(*hsm, gcm, 1, salt), made) << "derived once";
  GcmSalt other = salt;
  other.bytes[4] ^= 1;
  EXPECT_EQ(working.find_gcm(id, other), nullptr);
  other = salt;
  other.format = Format::aes_256_gcm;
  EXPECT_EQ(working.find_gcm(id, other), nullptr);
  EXPECT_EQ(working.find_gcm({gcm.id, 2}, salt), nullptr);
  EXPECT_EQ(working.find_siv(id), nullptr);
  EXPECT_FALSE(working.lease(id, 1)) << "a key to read with is none to write with";
}

TEST_F(Working, OpensWhatWasSealedAfterDerivingAgain) {
  WorkingKeys first(*provider), second(*provider);
  const EncryptLease lease = *first.begin_encryption(*hsm, gcm, 1, 1);
  Bytes envelope(5 + kGcmOverheadBytes);
  crypto::seal_gcm(*lease.key, lease.at(0), {}, as_bytes("hello"), envelope);
  const auto view = *parse_envelope(envelope);
  const auto key = *second.derive_gcm(*hsm, gcm, 1, view.gcm_salt());
  Bytes plain(5);
  ASSERT_TRUE(crypto::open_gcm(*key, view, {}, plain));
  EXPECT_EQ(as_text(plain), "hello");
  const auto wrong = *second.derive_gcm(*hsm, gcm, 2, view.gcm_salt());
  EXPECT_FALSE(crypto::open_gcm(*wrong, view, {}, plain));
}

TEST_F(Working, MacAndBlindIndexKeysAreDifferent) {
  WorkingKeys working(*provider);
  const Key mac = key_of(KeyType::hmac_sha_256);
  const auto code = *working.derive_mac(*hsm, mac, 1, MacPurpose::code);
  const auto index = *working.derive_mac(*hsm, mac, 1, MacPurpose::blind_index);
  std::array<Byte, 32> a{}, b{};
  code->hmac.compute(as_bytes("x"), a);
  index->hmac.compute(as_bytes("x"), b);
  EXPECT_NE(a, b);
  EXPECT_EQ(working.find_mac({mac.id, 1}, MacPurpose::code), code);
  EXPECT_EQ(working.find_mac({mac.id, 1}, MacPurpose::blind_index), index);
}

TEST_F(Working, SivKeysAreTheSameEveryTime) {
  WorkingKeys first(*provider), second(*provider);
  const Key siv = key_of(KeyType::aes_256_siv);
  Bytes a(3 + kSivOverheadBytes), b(a.size());
  crypto::seal_siv(**first.derive_siv(*hsm, siv, 1), {}, as_bytes("abc"), a);
  crypto::seal_siv(**second.derive_siv(*hsm, siv, 1), {}, as_bytes("abc"), b);
  EXPECT_EQ(a, b);
}

TEST_F(Working, LeasesFollowOneAnother) {
  WorkingKeys working(*provider);
  EXPECT_FALSE(working.lease(id, 1));
  const auto first = *working.begin_encryption(*hsm, gcm, 1, 10);
  const auto second = *working.lease(id, 5);
  const auto third = *working.begin_encryption(*hsm, gcm, 1, 1);
  EXPECT_EQ(first.first_counter, 0u);
  EXPECT_EQ(second.first_counter, 10u);
  EXPECT_EQ(third.first_counter, 15u) << "a live salt is used up before another is made";
  EXPECT_EQ(third.key, first.key);
  EXPECT_EQ(working.find_gcm(id, first.key->salt), first.key);
  EXPECT_FALSE(working.lease({gcm.id, 2}, 1));
}

TEST_F(Working, ExhaustedCountersNeedAFreshSalt) {
  WorkingKeys::Options few = options();
  few.lease_limit = 10;
  WorkingKeys working(*provider, few);
  const auto first = *working.begin_encryption(*hsm, gcm, 1, 8);
  EXPECT_FALSE(working.lease(id, 3));
  EXPECT_FALSE(working.lease(id, UINT32_MAX));
  EXPECT_EQ(working.lease(id, 2)->first_counter, 8u) << "up to the limit exactly";
  EXPECT_FALSE(working.lease(id, 1));
  const auto fresh = *working.begin_encryption(*hsm, gcm, 1, 10);
  EXPECT_NE(fresh.key->salt, first.key->salt);
  EXPECT_EQ(fresh.first_counter, 0u);
  EXPECT_EQ(working.begin_encryption(*hsm, gcm, 1, 11).error().code, Code::too_many_items);
}

TEST_F(Working, TheLimitCannotBeRaised) {
  WorkingKeys::Options many = options();
  many.lease_limit = UINT32_MAX;
  WorkingKeys working(*provider, many);
  EXPECT_FALSE(working.begin_encryption(*hsm, gcm, 1, kLeaseLimit + 1));
  EXPECT_TRUE(working.begin_encryption(*hsm, gcm, 1, kLeaseLimit));
  EXPECT_FALSE(working.lease(id, 1));
}

TEST_F(Working, NothingLivesLongerThanItsAge) {
  WorkingKeys working(*provider, options());
  const auto first = *working.begin_encryption(*hsm, gcm, 1, 1);
  now += 1h - 1ns;
  EXPECT_TRUE(working.lease(id, 1));
  EXPECT_NE(working.find_gcm(id, first.key->salt), nullptr);
  now += 1ns;
  EXPECT_FALSE(working.lease(id, 1));
  EXPECT_EQ(working.find_gcm(id, first.key->salt), nullptr) << "not even while it is in use";
  EXPECT_EQ(working.size(), 1u);
  EXPECT_EQ(working.derived_size(), 1u);
  working.expire();
  EXPECT_EQ(working.size(), 0u);
  EXPECT_EQ(working.derived_size(), 0u);
  EXPECT_NE((*working.begin_encryption(*hsm, gcm, 1, 1)).key->salt, first.key->salt);
}

TEST_F(Working, HoldsNoMoreThanItsCapacityAndDropsTheLeastUsed) {
  WorkingKeys::Options small = options();
  small.capacity = 3;
  small.derived = 0;
  WorkingKeys working(*provider, small);
  const auto encryption = *working.begin_encryption(*hsm, gcm, 1, 1);
  for (Byte i = 0; i < 10; ++i) {
    salt.bytes[0] = i;
    now += 1s;
    ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, salt));
    now += 1s;
    ASSERT_TRUE(working.lease(id, 1)) << "what encrypts is in use";
    EXPECT_LE(working.size(), 3u);
  }
  salt.bytes[0] = 9;
  EXPECT_NE(working.find_gcm(id, salt), nullptr);
  salt.bytes[0] = 1;
  EXPECT_EQ(working.find_gcm(id, salt), nullptr);
  for (Byte i = 20; i < 23; ++i) {  // nobody encrypts any more
    salt.bytes[0] = i;
    now += 1s;
    ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, salt));
  }
  EXPECT_FALSE(working.lease(id, 1)) << "the HSM has to make its key again";
  const auto again = *working.begin_encryption(*hsm, gcm, 1, 1);
  EXPECT_EQ(again.key->salt, encryption.key->salt) << "a salt outlives its cached key";
  EXPECT_EQ(again.first_counter, 11u);
}

TEST_F(Working, ForgetsAVersionOrAWholeKey) {
  WorkingKeys working(*provider);
  const auto fill = [&] {
    for (std::uint16_t version : {1, 2}) {
      ASSERT_TRUE(working.derive_gcm(*hsm, gcm, version, salt));
      ASSERT_TRUE(working.begin_encryption(*hsm, gcm, version, 1));
    }
  };
  fill();
  working.forget(id);
  EXPECT_EQ(working.find_gcm(id, salt), nullptr);
  EXPECT_FALSE(working.lease(id, 1));
  EXPECT_TRUE(working.lease({gcm.id, 2}, 1));
  EXPECT_EQ(working.size(), 2u);
  EXPECT_EQ(working.derived_size(), 2u);
  fill();
  working.forget(gcm.id);
  EXPECT_EQ(working.size(), 0u);
  EXPECT_EQ(working.derived_size(), 0u);
  EXPECT_FALSE(working.lease({gcm.id, 2}, 1));
}

// An HSM during whose derivation the version is forgotten.
class ForgettingHsm : public Hsm {
 public:
  ForgettingHsm(Hsm& real, std::function<void()> meanwhile)
      : real_(real), meanwhile_(std::move(meanwhile)) {}
  Result<Material> generate(const KeyVersionId& id, KeyType type, Protection protection) override {
    return real_.generate(id, type, protection);
  }
  Result<ImportKey> import_key() override { return real_.import_key(); }
  Result<Material> import(const KeyVersionId& id, KeyType type, Protection protection,
                          const Import& sent) override {
    return real_.import(id, type, protection, sent);
  }
  Result<void> seal(const HsmKey& key, ByteView aad, ByteView plaintext, ByteSpan out) override {
    return real_.seal(key, aad, plaintext, out);
  }
  Result<void> open(const HsmKey& key, const EnvelopeView& envelope, ByteView aad,
                    ByteSpan out) override {
    return real_.open(key, envelope, aad, out);
  }
  Result<crypto::SecretBytes> derive(const HsmKey& key, const crypto::KeyPurpose& purpose,
                                     const Salt& with) override {
    meanwhile_();
    return real_.derive(key, purpose, with);
  }
  Result<void> mac(const HsmKey& key, const crypto::KeyPurpose& purpose, ByteView data,
                   std::span<Byte, kHmacBytes> out) override {
    return real_.mac(key, purpose, data, out);
  }
  Result<Bytes> sign(const HsmKey& key, SignatureScheme scheme, ByteView message) override {
    return real_.sign(key, scheme, message);
  }
  Result<Bytes> sign_digest(const HsmKey& key, SignatureScheme scheme, ByteView digest) override {
    return real_.sign_digest(key, scheme, digest);
  }
  Result<Bytes> decrypt(const HsmKey& key, DecryptionScheme scheme, ByteView ciphertext,
                        ByteView label) override {
    return real_.decrypt(key, scheme, ciphertext, label);
  }
  Result<Bytes> agree(const HsmKey& key, ByteView point) override {
    return real_.agree(key, point);
  }
  Result<Bytes> cipher(const HsmKey& key, const CipherCall& call) override {
    return real_.cipher(key, call);
  }
  Result<void> random(ByteSpan out) override { return real_.random(out); }
  Result<Bytes> check_value(KeyType type, const Material& material) override {
    return real_.check_value(type, material);
  }
  Result<bool> binds() override { return real_.binds(); }
  Result<void> begin_binding() override { return real_.begin_binding(); }
  Result<void> finish_binding() override { return real_.finish_binding(); }
  Result<bool> has_ledger() override { return real_.has_ledger(); }
  Result<void> begin_ledger() override { return real_.begin_ledger(); }
  Result<void> finish_ledger() override { return real_.finish_ledger(); }
  Result<crypto::SecretBytes> ledger_key(std::string_view store) override {
    return real_.ledger_key(store);
  }
  Result<bool> holds(const HsmKey& key) override { return real_.holds(key); }
  Result<void> forget(const HsmKey& key, bool destroy) override {
    return real_.forget(key, destroy);
  }
  Result<Bytes> sign_as(ServerKey key, ByteView message) override {
    return real_.sign_as(key, message);
  }
  Result<Bytes> public_key_of(ServerKey key) override { return real_.public_key_of(key); }
  Result<void> check() override { return real_.check(); }

 private:
  Hsm& real_;
  std::function<void()> meanwhile_;
};

TEST_F(Working, WhatWasForgottenWhileBeingDerivedDoesNotComeBack) {
  WorkingKeys working(*provider);
  ForgettingHsm forgetting(*hsm, [&] { working.forget(id); });
  EXPECT_TRUE(working.derive_gcm(forgetting, gcm, 1, salt));
  EXPECT_TRUE(working.begin_encryption(forgetting, gcm, 1, 1));
  EXPECT_EQ(working.size(), 0u);
  EXPECT_EQ(working.derived_size(), 0u);
  EXPECT_FALSE(working.lease(id, 1));
}

// Each key in turn, with more of them than the cache holds: what made a salt of every value.
TEST_F(Working, MoreKeysThanTheCacheHoldsDrawOneSaltEach) {
  WorkingKeys::Options small = options();
  small.capacity = 4;
  WorkingKeys working(*provider, small);
  std::vector<Key> many;
  for (Byte i = 0; i < 10; ++i) {
    Key key;
    key.id = KeyId{{i}};
    key.name = "k" + std::to_string(i);
    key.type = KeyType::aes_256_gcm;
    key.versions.push_back({1, State::active, 0, *hsm->generate({key.id, 1}, key.type)});
    Version counted = key.versions[0];
    counted.usage = std::make_shared<VersionUsage>(UsageCount{.id = {key.id, 1}});
    key.versions.replace(0, std::move(counted));
    many.push_back(std::move(key));
  }
  std::set<GcmSalt> salts;
  std::uint32_t rounds = 5;
  for (std::uint32_t round = 0; round < rounds; ++round)
    for (const Key& key : many) {
      now += 1s;
      const auto lease = *working.begin_encryption(*hsm, key, 1, 1);
      EXPECT_EQ(lease.first_counter, round);
      salts.insert(lease.key->salt);
      EXPECT_LE(working.size(), 4u);
    }
  EXPECT_EQ(salts.size(), many.size());
  for (const Key& key : many) EXPECT_EQ(key.versions[0].usage->now().salts, 1);
}

TEST_F(Working, DrawsNoMoreSaltsThanAVersionMay) {
  Version counted = gcm.versions[0];
  counted.usage =
      std::make_shared<VersionUsage>(UsageCount{.id = id, .salts = (std::int64_t{1} << 24) - 1});
  gcm.versions.replace(0, counted);
  WorkingKeys::Options few = options();
  few.lease_limit = 1;
  WorkingKeys working(*provider, few);
  EXPECT_TRUE(working.begin_encryption(*hsm, gcm, 1, 1)) << "the last one";
  EXPECT_EQ(counted.usage->now().salts, std::int64_t{1} << 24);
  const auto refused = working.begin_encryption(*hsm, gcm, 1, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::key_exhausted);
  EXPECT_NE(refused.error().hint.find("rotate"), std::string::npos);
  EXPECT_TRUE(working.begin_encryption(*hsm, gcm, 2, 1)) << "the next version has its own";
}

// What two processes would do that were resumed from one image of memory: here by fork, of which a
// process could know; the nonces do not depend on it.
TEST_F(Working, NoncesOfTwoCopiesOfAProcessDiffer) {
  WorkingKeys working(*provider);
  const auto before = *working.begin_encryption(*hsm, gcm, 1, 3);
  std::set<Lease> leases{before.random};
  for (int i = 0; i < 100; ++i) leases.insert(working.lease(id, 1)->random);
  EXPECT_EQ(leases.size(), 101u) << "each lease draws its own";
  crypto::testing::ClonedGenerator cloned;
  for (int i = 0; i < 100; ++i) leases.insert(working.lease(id, 1)->random);
  EXPECT_EQ(leases.size(), 201u) << "and from outside of the process";
}

TEST_F(Working, SaltsDifferWhereTheModuleRepeatsItself) {
  crypto::testing::ClonedGenerator cloned;
  WorkingKeys first(*provider), second(*provider);
  EXPECT_NE(first.begin_encryption(*hsm, gcm, 1, 1)->key->salt,
            second.begin_encryption(*hsm, gcm, 1, 1)->key->salt);
}

TEST_F(Working, AForkedProcessHasNoLease) {
  WorkingKeys working(*provider);
  ASSERT_TRUE(working.begin_encryption(*hsm, gcm, 1, 1));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(working.lease(id, 1) ? 1 : 0);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(working.lease(id, 1)->first_counter, 1u) << "the parent goes on";
}

TEST_F(Working, AResumedMachineDrawsItsSaltsAnew) {
  auto image = std::make_shared<ProcessImage>();
  WorkingKeys::Options watched = options();
  watched.image = image;
  WorkingKeys working(*provider, watched);
  const auto before = *working.begin_encryption(*hsm, gcm, 1, 1);
  EXPECT_TRUE(working.lease(id, 1));
  image->changed();
  EXPECT_FALSE(working.lease(id, 1));
  const auto after = *working.begin_encryption(*hsm, gcm, 1, 1);
  EXPECT_NE(after.key->salt, before.key->salt);
  EXPECT_TRUE(working.lease(id, 1));
}

// Values of releases before leases.
TEST_F(Working, OpensWhatWasSealedWithoutALease) {
  WorkingKeys writer(*provider), reader(*provider);
  const GcmSalt old{Format::aes_256_gcm, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  const auto key = *writer.derive_gcm(*hsm, gcm, 1, old);
  Bytes envelope(5 + kGcmOverheadBytes);
  crypto::seal_gcm(*key, {{}, 0x01020304}, {}, as_bytes("hello"), envelope);
  EXPECT_EQ(envelope[0], 0xa1);
  const auto view = *parse_envelope(envelope);
  Bytes plain(5);
  const auto again = *reader.derive_gcm(*hsm, gcm, 1, view.gcm_salt());
  ASSERT_TRUE(crypto::open_gcm(*again, view, {}, plain));
  EXPECT_EQ(as_text(plain), "hello");
  EXPECT_EQ((*parse_envelope(envelope)).format, Format::aes_256_gcm);
  EXPECT_FALSE(writer.lease(id, 1)) << "nothing is written under it any more";
}

TEST_F(Working, NoCounterIsLeasedTwice) {
  constexpr std::uint32_t kLimit = 20'000;
  constexpr int kThreads = 4;
  WorkingKeys::Options few = options();
  few.lease_limit = kLimit;
  WorkingKeys working(*provider, few);
  std::mutex hsm_thread;
  std::vector<std::vector<std::pair<GcmSalt, std::uint32_t>>> taken(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 10'000; ++i) {
        const std::uint32_t items = 1 + (i + static_cast<std::uint32_t>(t)) % 7;
        auto lease = working.lease(id, items);
        if (!lease) {
          std::lock_guard one_at_a_time(hsm_thread);
          lease = *working.begin_encryption(*hsm, gcm, 1, items);
        }
        for (std::uint32_t item = 0; item < items; ++item)
          taken[static_cast<std::size_t>(t)].emplace_back(lease->key->salt,
                                                          lease->first_counter + item);
      }
    });
  for (auto& thread : threads) thread.join();
  std::vector<std::pair<GcmSalt, std::uint32_t>> all;
  for (const auto& part : taken) all.insert(all.end(), part.begin(), part.end());
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
  for (const auto& [used_salt, counter] : all) ASSERT_LT(counter, kLimit);
  std::set<GcmSalt> salts;
  for (const auto& [used_salt, counter] : all) salts.insert(used_salt);
  EXPECT_GE(salts.size(), all.size() / kLimit);
}

TEST_F(Working, WhoNeedsManyDisplacesItsOwn) {
  WorkingKeys::Options few = options();
  few.capacity = 6;
  WorkingKeys working(*provider, few);
  auto derive = [&](const std::string& party, Byte number) {
    now += 1s;
    GcmSalt own{.bytes = {number}};
    ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, own, party));
  };
  derive("modest", 1);
  derive("modest", 2);
  for (Byte number = 10; number < 40; ++number) derive("greedy", number);
  EXPECT_EQ(working.size(), 6u);
  for (Byte number : {1, 2})
    EXPECT_NE(working.find_gcm(id, GcmSalt{.bytes = {number}}), nullptr) << "oldest";
  for (Byte number : {36, 37, 38, 39})
    EXPECT_NE(working.find_gcm(id, GcmSalt{.bytes = {number}}), nullptr);
  // An equal share is everybody's right, however late they come.
  for (Byte number = 50; number < 53; ++number) derive("late", number);
  for (Byte number : {1, 2}) EXPECT_NE(working.find_gcm(id, GcmSalt{.bytes = {number}}), nullptr);
  for (Byte number : {51, 52}) EXPECT_NE(working.find_gcm(id, GcmSalt{.bytes = {number}}), nullptr);
}

}  // namespace
}  // namespace nae::keys
