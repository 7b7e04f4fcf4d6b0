// Of WorkingKeys what is kept as it was derived.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "keyserver/keys/test_working.hpp"
#include "keyserver/keys/working_keys.hpp"

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

}  // namespace
}  // namespace nae::keys
