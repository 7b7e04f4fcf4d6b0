// AES by the caller's mode, on a real token: what others computed, each refusal, and no other use.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "libnae/crypto/kdf.hpp"
#include "libnae/crypto/key_transport.hpp"
#include "libnae/crypto/private_key.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::hsm {
namespace {

using keys::CipherCall;
using keys::Protection;
using enum CipherMode;

constexpr KeyVersionId kId{KeyId{{1, 2, 3, 4, 5, 6}}, 1};
constexpr CipherMode kModes[] = {
#define NAE_CIPHER_MODE(mode, ...) CipherMode::mode,
#include "libnae/base/algorithms.def"
};

class CipherModes : public ::testing::Test {
 protected:
  Result<Bytes> ask(CipherMode mode, bool encrypts, const Bytes& iv, const Bytes& data,
                    const Bytes& aad = {}) {
    return hsm->cipher(key(), {mode, encrypts, iv, aad, data});
  }
  Code refusal(CipherMode mode, bool encrypts, const Bytes& iv, const Bytes& data,
               const Bytes& aad = {}) {
    const auto answer = ask(mode, encrypts, iv, data, aad);
    return answer ? Code{} : answer.error().code;
  }
  keys::HsmKey key() {
    if (!material) {
      auto made = hsm->generate(kId, KeyType::aes_256_raw, Protection::hsm_only);
      EXPECT_TRUE(made) << made.error().message;
      material = *std::move(made);
    }
    return {kId, KeyType::aes_256_raw, *material, Protection::hsm_only};
  }
  static Bytes iv_of(CipherMode mode) { return Bytes(find_row(mode)->most_iv_bytes, Byte{7}); }

  std::optional<keys::Material> material;
  TestToken token;
  std::unique_ptr<Pkcs11Hsm> hsm = std::move(*Pkcs11Hsm::open(token.options()));
};

TEST_F(CipherModes, AreThoseOfOthers) {
  const keys::ImportKey import_key = *hsm->import_key();
  std::map<Bytes, keys::Material> imported;
  std::set<CipherMode> seen;
  for (const auto& v : vectors::read("aes_modes.txt")) {
    const Bytes secret = v.bytes("key"), iv = v.bytes("iv"), aad = v.bytes("aad");
    const Bytes plaintext = v.bytes("plaintext"), ciphertext = v.bytes("ciphertext");
    const CipherMode mode = cipher_from_name(v.value("mode")).value();
    seen.insert(mode);
    if (secret == Bytes(32, Byte{0})) continue;  // the import refuses it, as one that nobody drew
    if (tests_run_on_nss() && mode == aes_kw && plaintext.size() > 256)
      continue;  // NSS unwraps no secret as long
    KeyVersionId id = kId;
    if (!imported.contains(secret)) {
      id.version = static_cast<std::uint16_t>(imported.size() + 1);
      auto made = hsm->import(id, KeyType::aes_256_raw, Protection::hsm_only,
                              {*crypto::wrap_for_transport(import_key.public_key, import_key.hash,
                                                           crypto::secret_of(secret)),
                               {}});
      ASSERT_TRUE(made) << v.line << made.error().message;
      imported.emplace(secret, *std::move(made));
    }
    hsm->forget({kId, KeyType::aes_256_raw, imported.at(secret), Protection::hsm_only}, false);
    const keys::HsmKey key{kId, KeyType::aes_256_raw, imported.at(secret), Protection::hsm_only};
    const auto sealed = hsm->cipher(key, {mode, true, iv, aad, plaintext});
    ASSERT_TRUE(sealed) << v.line << sealed.error().message;
    EXPECT_EQ(*sealed, ciphertext) << v.line;
    const auto opened = hsm->cipher(key, {mode, false, iv, aad, ciphertext});
    ASSERT_TRUE(opened) << v.line << opened.error().message;
    EXPECT_EQ(*opened, plaintext) << v.line;
  }
  EXPECT_EQ(seen.size(), std::size(kModes));
}

TEST_F(CipherModes, WhatDoesNotOpenHasOneAnswer) {
  std::set<std::string> messages;
  const Bytes text(32, 'x'), aad{1};
  const auto must_fail = [&](Result<Bytes> answer, int line) {
    ASSERT_FALSE(answer) << line;
    EXPECT_EQ(answer.error().code, Code::authentication_failed) << line << answer.error().message;
    messages.insert(answer.error().message);
  };
  const Bytes sealed = *ask(aes_gcm, true, Bytes(12, Byte{0}), text, aad);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 1;
    must_fail(ask(aes_gcm, false, Bytes(12, Byte{0}), changed, aad), __LINE__);
  }
  must_fail(ask(aes_gcm, false, Bytes(12, Byte{0}), sealed), __LINE__);
  must_fail(ask(aes_gcm, false, Bytes(13, Byte{0}), sealed, aad), __LINE__);
  const Bytes wrapped = *ask(aes_kw, true, {}, text);
  for (std::size_t at = 0; at < wrapped.size(); ++at) {
    Bytes changed = wrapped;
    changed[at] ^= 1;
    must_fail(ask(aes_kw, false, {}, changed), __LINE__);
  }
  // Paddings of 0, of 17 and of bytes that are not alike.
  for (const Byte last : {Byte{0}, Byte{17}, Byte{2}}) {
    Bytes padded(16, Byte{1});
    padded.back() = last;
    const Bytes bad = *ask(aes_cbc, true, Bytes(16, Byte{0}), padded);
    must_fail(ask(aes_cbc_pad, false, Bytes(16, Byte{0}), bad), __LINE__);
  }
  EXPECT_EQ(messages.size(), 1u);
}

TEST_F(CipherModes, LengthsAreThoseOfTheMode) {
  for (const CipherMode mode : kModes)
    for (const bool encrypts : {true, false}) {
      const std::string_view name = nae::name(mode);
      EXPECT_EQ(refusal(mode, encrypts, Bytes(iv_of(mode).size() + 1), Bytes(32, Byte{0})),
                Code::invalid_argument)
          << name;
      if (find_row(mode)->least_iv_bytes > 0) {
        EXPECT_EQ(refusal(mode, encrypts, Bytes(find_row(mode)->least_iv_bytes - 1, Byte{0}),
                          Bytes(32, Byte{0})),
                  Code::invalid_argument)
            << name;
      }
      if (mode != aes_gcm) {
        EXPECT_EQ(refusal(mode, encrypts, iv_of(mode), Bytes(32, Byte{0}), Bytes(1, Byte{0})),
                  Code::invalid_argument)
            << name;
      }
    }
  EXPECT_EQ(refusal(aes_gcm, false, Bytes(12, Byte{0}), Bytes(15, Byte{0})),
            Code::invalid_argument);
  for (const std::size_t bytes : {1, 15, 17}) {
    EXPECT_EQ(refusal(aes_cbc, true, Bytes(16, Byte{0}), Bytes(bytes, Byte{0})),
              Code::invalid_argument)
        << bytes;
    EXPECT_EQ(refusal(aes_cbc, false, Bytes(16, Byte{0}), Bytes(bytes, Byte{0})),
              Code::invalid_argument)
        << bytes;
    EXPECT_EQ(refusal(aes_cbc_pad, false, Bytes(16, Byte{0}), Bytes(bytes, Byte{0})),
              Code::invalid_argument);
  }
  EXPECT_EQ(refusal(aes_cbc_pad, false, Bytes(16, Byte{0}), {}), Code::invalid_argument);
  for (const std::size_t bytes : {0, 8, 15, 17, 20, 8200})
    EXPECT_EQ(refusal(aes_kw, true, {}, Bytes(bytes, Byte{0})), Code::invalid_argument) << bytes;
  for (const std::size_t bytes : {0, 8, 16, 23, 25, 8208})
    EXPECT_EQ(refusal(aes_kw, false, {}, Bytes(bytes, Byte{0})), Code::invalid_argument) << bytes;
  EXPECT_EQ(refusal(static_cast<CipherMode>(0xf0), true, {}, Bytes(16, Byte{0})),
            Code::unsupported);
}

// Modules differ in what follows the last counter, and each answer is a key stream used twice.
TEST_F(CipherModes, ACounterDoesNotBeginAgain) {
  Bytes counter(16, Byte{0xff});
  EXPECT_TRUE(ask(aes_ctr, true, counter, Bytes(16, Byte{0})));
  EXPECT_EQ(refusal(aes_ctr, true, counter, Bytes(17, Byte{0})), Code::invalid_argument);
  EXPECT_EQ(refusal(aes_ctr, false, counter, Bytes(32, Byte{0})), Code::invalid_argument);
  counter.back() = 0xfe;
  EXPECT_TRUE(ask(aes_ctr, true, counter, Bytes(32, Byte{0})));
  EXPECT_EQ(refusal(aes_ctr, true, counter, Bytes(33, Byte{0})), Code::invalid_argument);
  counter[7] = 0xfe;  // it carries into the half above
  EXPECT_TRUE(ask(aes_ctr, true, counter, Bytes(33, Byte{0})));
}

TEST_F(CipherModes, AreOfTheirKeysAlone) {
  for (const KeyType type : {KeyType::aes_256_gcm, KeyType::hmac_sha_256_raw}) {
    const keys::Material other = *hsm->generate({kId.key, 2}, type, Protection::hsm_only);
    const auto refused = hsm->cipher({{kId.key, 2}, type, other, Protection::hsm_only},
                                     {aes_gcm, true, Bytes(12, Byte{0}), {}, Bytes(1, Byte{0})});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::key_type);
  }
  // And such a key has no other use: neither envelope nor code nor working key.
  EXPECT_FALSE(hsm->derive(key(), crypto::kGcmPurpose, {}));
  std::array<Byte, keys::kHmacBytes> code;
  EXPECT_FALSE(hsm->mac(key(), crypto::kMacPurpose, Bytes(1, Byte{0}), code));
}

// An object of the caller's bytes is there for its call alone: a second session sees none of it.
TEST_F(CipherModes, NothingOfACallStaysInTheHsm) {
  const auto module = std::move(*token.module());
  const auto session = std::move(*open_session(*module, token.options().token_label,
                                               read_pin(token.options().pin_file)->value));
  const auto count = [&] {
    Attributes wanted;
    wanted.number(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_SENSITIVE, false);
    CK_OBJECT_HANDLE found[8];
    CK_ULONG number = 0;
    const CK_FUNCTION_LIST& calls = session->calls();
    EXPECT_EQ(calls.C_FindObjectsInit(session->handle(), wanted.data(), wanted.size()), CKR_OK);
    EXPECT_EQ(calls.C_FindObjects(session->handle(), found, 8, &number), CKR_OK);
    EXPECT_EQ(calls.C_FindObjectsFinal(session->handle()), CKR_OK);
    return number;
  };
  const CK_ULONG before = count();
  Bytes wrapped = *ask(aes_kw, true, {}, Bytes(16, Byte{9}));
  EXPECT_EQ(*ask(aes_kw, false, {}, wrapped), Bytes(16, Byte{9}));
  wrapped[3] ^= 1;
  EXPECT_FALSE(ask(aes_kw, false, {}, wrapped));
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace nae::hsm
