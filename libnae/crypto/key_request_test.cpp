#include "libnae/crypto/key_request.hpp"

#include <gtest/gtest.h>

#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::crypto {
namespace {

[[maybe_unused]] const auto* const kHeap = take_secure_heap_for_tests();

struct Holder {
  KeyPair key = *generate_p256();
  Result<std::string> request(std::string subject, std::vector<std::string> names = {},
                              SignatureScheme scheme = SignatureScheme::ecdsa_p256_sha256) {
    return make_key_request({std::move(subject), std::move(names), key.spki, scheme},
                            *software_signer(key.private_key_pem));
  }
  Code error(std::string subject, std::vector<std::string> names = {}) {
    auto made = request(std::move(subject), std::move(names));
    return made ? Code{} : made.error().code;
  }
};

TEST(KeyRequest, IsReadAsOneByItsKey) {
  Holder holder;
  const auto made = holder.request("/O=A \\/ B/CN=web", {"DNS:web.example", "IP:::1", "email:a@b.c",
                                                         "URI:https://web.example/"});
  ASSERT_TRUE(made) << made.error().message;
  const auto read = read_request(*made);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->common_name, "web");
  EXPECT_EQ(read->spki, holder.key.spki);
}

TEST(KeyRequest, RefusesWhatCannotBeWritten) {
  Holder holder;
  EXPECT_EQ(holder.error("/CN=web"), Code{});
  for (const char* subject : {"", "CN=web", "/", "/CN", "/CN=", "/=web", "/NoSuchName=a",
                              "/CN=a\nb", "/C=ABC", "/CN=a//CN=b"})
    EXPECT_EQ(holder.error(subject), Code::invalid_argument) << subject;
  EXPECT_EQ(holder.error("/CN=" + std::string(64, 'a')), Code{});
  EXPECT_EQ(holder.error("/CN=" + std::string(65, 'a')), Code::invalid_argument) << "RFC 5280";
  EXPECT_EQ(holder.error("/CN=a" + std::string(kMaxSubjectBytes, '/')), Code::invalid_argument);
  for (const char* name :
       {"", "web.example", "DNS:", "DNS:a b", "DNS:\xc3\xa4", "IP:1.2.3", "IP:web", "OTHER:a"})
    EXPECT_EQ(holder.error("/CN=web", {name}), Code::invalid_argument) << name;
  EXPECT_EQ(holder.error("/CN=a", std::vector<std::string>(kMaxAlternativeNames, "DNS:a")), Code{});
  EXPECT_EQ(holder.error("/CN=a", std::vector<std::string>(kMaxAlternativeNames + 1, "DNS:a")),
            Code::invalid_argument);
}

// An HSM that signs with another key, or by another scheme than it was asked for.
TEST(KeyRequest, LeavesOnlyWhenItsSignatureVerifies) {
  Holder holder;
  const KeyPair other = *generate_p256();
  const KeyRequest wanted{"/CN=web", {}, holder.key.spki, SignatureScheme::ecdsa_p256_sha256};
  EXPECT_EQ(make_key_request(wanted, *software_signer(other.private_key_pem)).error().code,
            Code::hsm_failed);
  EXPECT_EQ(holder.request("/CN=web", {}, SignatureScheme::ecdsa_p384_sha384).error().code,
            Code::hsm_failed);
  EXPECT_EQ(holder.request("/CN=web", {}, SignatureScheme::rsa_pss_sha256).error().code,
            Code::key_attribute);
  const auto failing = [](ByteView) -> Result<Bytes> {
    return fail(Code::hsm_unavailable, "away");
  };
  EXPECT_EQ(make_key_request(wanted, failing).error().code, Code::hsm_unavailable);
}

TEST(KeyRequest, OfAKeyTheFirstSchemeThatAuthoritiesKnow) {
  const auto all = [](SignatureScheme) { return true; };
  EXPECT_EQ(request_scheme(KeyType::rsa_3072, all), SignatureScheme::rsa_pkcs1_sha256);
  EXPECT_EQ(request_scheme(KeyType::ecdsa_p384, all), SignatureScheme::ecdsa_p384_sha384);
  EXPECT_EQ(request_scheme(KeyType::ed25519, all), SignatureScheme::ed25519);
  EXPECT_EQ(request_scheme(
                KeyType::rsa_2048,
                [](SignatureScheme scheme) { return scheme == SignatureScheme::rsa_pss_sha256; }),
            SignatureScheme::key_default);
  EXPECT_EQ(request_scheme(KeyType::aes_256_gcm, all), SignatureScheme::key_default);
}

}  // namespace
}  // namespace nae::crypto
