#include "libnae/crypto/certificate_chain.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "libnae/crypto/test_prompts.hpp"

namespace nae::crypto {
namespace {

[[maybe_unused]] const auto* const kHeap = take_secure_heap_for_tests();

constexpr std::int64_t kStart = 1'800'000'000, kEnd = 1'900'000'000;

struct Chain {
  KeyPair authority_key = *generate_p256(), leaf_key = *generate_p256();
  std::string authority = *issue({.common_name = "An authority",
                                  .uri_names = {},
                                  .dns_names = {},
                                  .ip_names = {},
                                  .not_before_s = kStart,
                                  .not_after_s = kEnd + 1,
                                  .usage = CertificateUsage::authority,
                                  .spki = authority_key.spki},
                                 std::nullopt, *software_signer(authority_key.private_key_pem));
  std::string leaf = *issue({.common_name = "web",
                             .uri_names = {},
                             .dns_names = {"web.example"},
                             .ip_names = {},
                             .not_before_s = kStart,
                             .not_after_s = kEnd,
                             .usage = CertificateUsage::server,
                             .spki = leaf_key.spki},
                            authority, *software_signer(authority_key.private_key_pem));
};

Code error_of(std::string_view pem) {
  auto chain = chain_from_pem(pem);
  return chain ? Code{} : chain.error().code;
}

TEST(CertificateChain, ReadsItsOwnPemAndSaysWhoseItIs) {
  const Chain made;
  const auto chain = chain_from_pem(made.leaf + "a text between\n" + made.authority);
  ASSERT_TRUE(chain) << chain.error().message;
  EXPECT_EQ(*chain_to_pem(*chain), made.leaf + made.authority);
  const auto certificates = *certificates_in(*chain);
  ASSERT_EQ(certificates.size(), 2u);
  EXPECT_EQ(read_certificate(certificates[1])->common_name, "An authority");
  const LeafInfo leaf = *leaf_of(*chain);
  EXPECT_EQ(leaf.subject, "CN=web");
  EXPECT_EQ(leaf.issuer, "CN=An authority");
  EXPECT_EQ(leaf.serial, read_certificate(made.leaf)->serial);
  EXPECT_EQ(leaf.not_before_s, kStart);
  EXPECT_EQ(leaf.not_after_s, kEnd);
  EXPECT_TRUE(*is_certificate_of(*chain, made.leaf_key.spki));
  EXPECT_FALSE(*is_certificate_of(*chain, made.authority_key.spki));
}

TEST(CertificateChain, RefusesWhatIsNone) {
  const Chain made, other;
  EXPECT_EQ(error_of(made.authority), Code{}) << "one by itself is a chain";
  EXPECT_EQ(error_of(""), Code::invalid_argument);
  EXPECT_EQ(error_of("web"), Code::invalid_argument);
  EXPECT_EQ(error_of(made.authority + made.leaf), Code::invalid_argument) << "the wrong order";
  EXPECT_EQ(error_of(made.leaf + other.authority), Code::invalid_argument) << "another's authority";
  EXPECT_EQ(error_of(made.leaf + std::string(as_text(made.leaf_key.private_key_pem))),
            Code::invalid_argument);
  EXPECT_EQ(error_of(made.leaf.substr(0, made.leaf.size() / 2)), Code::invalid_argument);
}

TEST(CertificateChain, HasBounds) {
  const Chain made;
  std::string pem;
  for (std::size_t i = 0; i < kMaxChainCertificates; ++i) pem += made.authority;
  EXPECT_EQ(error_of(pem), Code{});
  EXPECT_EQ(error_of(pem + made.authority), Code::invalid_argument);
  EXPECT_EQ(error_of(made.leaf + std::string(2 * kMaxChainBytes, '\n')), Code::invalid_argument);
}

TEST(CertificateChain, BytesThatAreBentAreNoChain) {
  const Chain made;
  const Bytes chain = *chain_from_pem(made.leaf);
  EXPECT_FALSE(certificates_in(ByteView(chain).first(chain.size() - 1)));
  Bytes longer = chain;
  longer.push_back(0x30);
  EXPECT_FALSE(certificates_in(longer));
  EXPECT_FALSE(leaf_of({}));
  EXPECT_FALSE(is_certificate_of(chain, {}));
}

TEST(CertificateChain, NobodyIsAskedForAPassphrase) {
  const PromptProbe probe;
  EXPECT_EQ(error_of(PromptProbe::encrypted_block("CERTIFICATE")), Code::invalid_argument);
  EXPECT_EQ(probe.asked(), 0);
}

}  // namespace
}  // namespace nae::crypto
