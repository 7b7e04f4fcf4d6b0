// Of WorkingKeys what is kept as it was derived.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "keyserver/keys/test_working.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "libnae/base/test_eventually.hpp"

namespace nae::keys {
namespace {

using namespace std::chrono_literals;
using testing::Working;

// An HSM that has no part in what follows.
class NoDeriver : public KeyDeriver {
 public:
  Result<crypto::SecretBytes> derive(const HsmKey&, const crypto::KeyPurpose&,
                                     const Salt&) override {
    return fail(Code::hsm_unavailable, "not to be asked");
  }
  Result<void> random(ByteSpan) override { return fail(Code::hsm_unavailable, "not to be asked"); }
};

// The same, but for version 1.
Key retired(const Key& key) {
  Key changed = key;
  changed.versions = {};
  for (Version version : key.versions) {
    if (version.number == 1) version.state = State::retired;
    changed.versions.push_back(std::move(version));
  }
  return changed;
}

TEST_F(Working, WhatWasDerivedIsMadeReadyWithoutTheHsm) {
  WorkingKeys::Options small = options();
  small.capacity = 2;
  WorkingKeys working(*provider, small);
  const Key siv = key_of(KeyType::aes_256_siv), mac = key_of(KeyType::hmac_sha_256);
  const auto lease = *working.begin_encryption(*hsm, gcm, 1, 1);
  Bytes envelope(5 + kGcmOverheadBytes), code(41);
  crypto::seal_gcm(*lease.key, lease.at(0), {}, as_bytes("hello"), envelope);
  ASSERT_TRUE(working.derive_siv(*hsm, siv, 1));
  ASSERT_TRUE(working.derive_mac(*hsm, mac, 1, MacPurpose::code));
  ASSERT_TRUE(working.derive_mac(*hsm, mac, 1, MacPurpose::blind_index));
  EXPECT_EQ(working.size(), 2u);
  EXPECT_EQ(working.derived_size(), 4u);

  const auto found = working.find_gcm(id, lease.key->salt);
  ASSERT_NE(found, nullptr);
  EXPECT_NE(found, lease.key) << "made anew";
  Bytes plain(5);
  EXPECT_TRUE(crypto::open_gcm(*found, *parse_envelope(envelope), {}, plain));
  EXPECT_EQ(as_text(plain), "hello");
  EXPECT_NE(working.find_siv({siv.id, 1}), nullptr);
  EXPECT_NE(working.find_mac({mac.id, 1}, MacPurpose::code), nullptr);
  EXPECT_EQ(working.find_mac({mac.id, 1}, MacPurpose::blind_index_code), nullptr);
  EXPECT_EQ(working.lease(id, 1)->first_counter, 1u) << "what it encrypts with came back, too";
  NoDeriver none;
  EXPECT_TRUE(working.derive_mac(none, mac, 1, MacPurpose::blind_index));
  EXPECT_EQ(working.size(), 2u);
}

TEST_F(Working, WhatIsMadeReadyIsAsOldAsItsDerivation) {
  WorkingKeys::Options small = options();
  small.capacity = 1;
  WorkingKeys working(*provider, small);
  const Key siv = key_of(KeyType::aes_256_siv);
  ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, salt));
  now += 59min;
  ASSERT_TRUE(working.derive_siv(*hsm, siv, 1));
  ASSERT_NE(working.find_gcm(id, salt), nullptr) << "ready again";
  now += 1min;
  EXPECT_EQ(working.find_gcm(id, salt), nullptr);
  EXPECT_NE(working.find_siv({siv.id, 1}), nullptr);
  working.expire();
  EXPECT_EQ(working.derived_size(), 1u);
}

// Of a wide request nothing is ready for others, and nobody has to derive it again.
TEST_F(Working, WhatIsNotKeptReadyIsKeptAsItWasDerived) {
  WorkingKeys working(*provider);
  ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, salt, "wide", Keep::no));
  EXPECT_EQ(working.size(), 0u);
  EXPECT_NE(working.find_gcm(id, salt), nullptr);
  EXPECT_EQ(working.size(), 1u);
}

// Forgotten between the look at what was derived and the keeping of what was made of it: never
// there afterwards, whatever the threads do.
TEST_F(Working, NothingComesBackWhileManyLook) {
  WorkingKeys::Options small = options();
  small.capacity = 2;
  WorkingKeys working(*provider, small);
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t)
    readers.emplace_back([&] {
      while (!done)
        for (Byte i = 0; i < 6; ++i)
          (void)working.find_gcm(id, GcmSalt{Format::aes_256_gcm_lease, {i}});
    });
  for (int round = 0; round < 200; ++round) {
    for (Byte i = 0; i < 6; ++i)
      ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, GcmSalt{Format::aes_256_gcm_lease, {i}}));
    working.forget(id);
    EXPECT_EQ(working.derived_size(), 0u);
    for (Byte i = 0; i < 6; ++i)
      EXPECT_EQ(working.find_gcm(id, GcmSalt{Format::aes_256_gcm_lease, {i}}), nullptr);
  }
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(working.size(), 0u);
}

// An HSM job that waited while its version was retired: the asker is answered, and nothing stays.
TEST_F(Working, NothingIsKeptOfAVersionThatChangedBeforeItsTurn) {
  auto standing = std::make_shared<const Key>(gcm);
  WorkingKeys::Options with_ring = options();
  with_ring.find_key = [&](const KeyId&) { return standing; };
  WorkingKeys working(*provider, with_ring);
  ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 2, salt));
  EXPECT_EQ(working.derived_size(), 1u);
  standing = std::make_shared<const Key>(retired(gcm));
  working.forget(id);
  EXPECT_TRUE(working.derive_gcm(*hsm, gcm, 1, salt));
  EXPECT_TRUE(working.begin_encryption(*hsm, gcm, 1, 1));
  EXPECT_EQ(working.derived_size(), 1u) << "of version 2";
  EXPECT_EQ(working.find_gcm(id, salt), nullptr);
  EXPECT_FALSE(working.lease(id, 1));
  standing = nullptr;
  EXPECT_TRUE(working.derive_gcm(*hsm, gcm, 2, GcmSalt{Format::aes_256_gcm_lease, {7}}));
  EXPECT_EQ(working.derived_size(), 1u) << "nor of a key that is no more";
}

// A version is forgotten while it is derived and looked for, at every moment of either.
TEST_F(Working, AForgottenVersionStaysAwayWhileItIsDerived) {
  std::atomic<std::shared_ptr<const Key>> standing = std::make_shared<const Key>(gcm);
  WorkingKeys::Options with_ring = options();
  with_ring.find_key = [&](const KeyId&) { return standing.load(); };
  WorkingKeys working(*provider, with_ring);
  std::size_t kept = 0;
  for (int round = 0; round < 100; ++round) {
    standing = std::make_shared<const Key>(gcm);
    std::atomic<int> derived = 0;
    std::atomic<bool> done = false;
    std::thread deriver([&] {
      for (Byte i = 0; !done; ++i) {
        EXPECT_TRUE(working.derive_gcm(*hsm, gcm, 1, GcmSalt{Format::aes_256_gcm_lease, {i}}));
        ++derived;
      }
    });
    std::thread finder([&] {
      for (Byte i = 0; !done; ++i)
        (void)working.find_gcm(id, GcmSalt{Format::aes_256_gcm_lease, {i}});
    });
    EXPECT_TRUE(eventually([&] { return derived >= 3; }));
    kept += working.derived_size();
    standing = std::make_shared<const Key>(retired(gcm));
    working.forget(id);
    done = true;
    deriver.join();
    finder.join();
    ASSERT_EQ(working.derived_size(), 0u) << round;
    ASSERT_EQ(working.size(), 0u) << round;
  }
  EXPECT_GT(kept, 100u);
}

// Whoever asks here is a connection's thread: the HSM's is asked instead, and answers.
TEST_F(Working, WithoutLockedMemoryNothingIsMadeReady) {
  WorkingKeys::Options small = options();
  small.capacity = 1;
  WorkingKeys working(*provider, small);
  const Key siv = key_of(KeyType::aes_256_siv);
  ASSERT_TRUE(working.derive_gcm(*hsm, gcm, 1, salt));
  ASSERT_TRUE(working.derive_siv(*hsm, siv, 1));
  std::vector<crypto::SecretBytes> all;
  for (std::size_t bytes = 1 << 16; bytes >= 32; bytes /= 2) {
    try {
      for (;;) all.emplace_back(bytes);
    } catch (const std::bad_alloc&) {  // no block of this size is left
    }
  }
  EXPECT_EQ(working.find_gcm(id, salt), nullptr);
  all.clear();
  EXPECT_NE(working.find_gcm(id, salt), nullptr);
}

}  // namespace
}  // namespace nae::keys
