#include "libnae/crypto/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "libnae/crypto/handle.hpp"

namespace nae::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using CertificateHandle = handle<X509, X509_free>;

CertificateHandle parse(const std::string& pem) {
  handle<BIO, BIO_free_all> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return CertificateHandle(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

// X509_V_OK, or why OpenSSL does not accept `leaf` for `purpose` under `root`, strict RFC 5280.
int verification(const std::string& root, const std::string& leaf, int purpose, time_t at) {
  CertificateHandle root_certificate = parse(root), leaf_certificate = parse(leaf);
  handle<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), root_certificate.get());
  handle<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf_certificate.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_purpose(parameters, purpose);
  X509_VERIFY_PARAM_set_time(parameters, at);
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

class CertificateTest : public testing::Test {
 protected:
  static constexpr std::int64_t kNow = 1'800'000'000;
  static constexpr std::int64_t kDay = 86'400;

  void SetUp() override {
    authority_key_ = generate_p256().value();
    signer_ = software_signer(authority_key_.private_key_pem).value();
    CertificateTemplate wanted = base("NAE authority", CertificateUsage::authority);
    wanted.spki = authority_key_.spki;
    authority_ = issue(wanted, std::nullopt, signer_).value();
    leaf_key_ = generate_p256().value();
  }

  CertificateTemplate base(std::string name, CertificateUsage usage) const {
    CertificateTemplate wanted;
    wanted.common_name = std::move(name);
    wanted.not_before_s = kNow - 60;
    wanted.not_after_s = kNow + 30 * kDay;
    wanted.usage = usage;
    wanted.spki = leaf_key_.spki;
    return wanted;
  }

  KeyPair authority_key_, leaf_key_;
  Signer signer_;
  std::string authority_;
};

TEST_F(CertificateTest, ServerCertificateServesAndDoesNotAct) {
  CertificateTemplate wanted = base("localhost", CertificateUsage::server);
  wanted.dns_names = {"localhost"};
  wanted.ip_names = {"127.0.0.1", "::1"};
  std::string pem = issue(wanted, authority_, signer_).value();
  EXPECT_EQ(verification(authority_, pem, X509_PURPOSE_SSL_SERVER, kNow), X509_V_OK);
  EXPECT_EQ(verification(authority_, pem, X509_PURPOSE_SSL_CLIENT, kNow),
            X509_V_ERR_INVALID_PURPOSE);
  CertificateHandle certificate = parse(pem);
  EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.2", 0), 0);
}

TEST_F(CertificateTest, ClientCertificateActsAndDoesNotServe) {
  CertificateTemplate wanted = base("db1", CertificateUsage::client);
  wanted.uri_names = {"nae://device/db1"};
  std::string pem = issue(wanted, authority_, signer_).value();
  EXPECT_EQ(verification(authority_, pem, X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK);
  EXPECT_EQ(verification(authority_, pem, X509_PURPOSE_SSL_SERVER, kNow),
            X509_V_ERR_INVALID_PURPOSE);
}

TEST_F(CertificateTest, ValidityIsTheWantedOne) {
  std::string pem = issue(base("db1", CertificateUsage::client), authority_, signer_).value();
  EXPECT_EQ(verification(authority_, pem, X509_PURPOSE_SSL_CLIENT, kNow - 61),
            X509_V_ERR_CERT_NOT_YET_VALID);
  EXPECT_EQ(verification(authority_, pem, X509_PURPOSE_SSL_CLIENT, kNow + 30 * kDay + 1),
            X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(CertificateTest, AnotherAuthorityOfTheSameNameIsNotAccepted) {
  KeyPair other_key = generate_p256().value();
  CertificateTemplate wanted = base("NAE authority", CertificateUsage::authority);
  wanted.spki = other_key.spki;
  Signer other = software_signer(other_key.private_key_pem).value();
  std::string other_authority = issue(wanted, std::nullopt, other).value();
  std::string pem = issue(base("db1", CertificateUsage::client), authority_, signer_).value();
  EXPECT_NE(verification(other_authority, pem, X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK);
}

TEST_F(CertificateTest, ALeafIssuesNothing) {
  std::string leaf = issue(base("db1", CertificateUsage::client), authority_, signer_).value();
  Signer leaf_signer = software_signer(leaf_key_.private_key_pem).value();
  auto refused = issue(base("db2", CertificateUsage::client), leaf, leaf_signer);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no authority"));
}

TEST_F(CertificateTest, ASignatureByTheWrongKeyIsNotAnswered) {
  Signer wrong = software_signer(leaf_key_.private_key_pem).value();
  EXPECT_FALSE(issue(base("db1", CertificateUsage::client), authority_, wrong));
  Signer garbage = [](ByteView) -> Result<Bytes> { return Bytes{1, 2, 3}; };
  EXPECT_FALSE(issue(base("db1", CertificateUsage::client), authority_, garbage));
}

TEST_F(CertificateTest, TheSignersFailureIsAnswered) {
  Signer broken = [](ByteView) -> Result<Bytes> {
    return fail(Code::hsm_unavailable, "token removed");
  };
  auto refused = issue(base("db1", CertificateUsage::client), authority_, broken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::hsm_unavailable);
}

TEST_F(CertificateTest, BadTemplatesAreRefused) {
  CertificateTemplate wanted = base("db1", CertificateUsage::client);
  wanted.not_after_s = wanted.not_before_s;
  EXPECT_FALSE(issue(wanted, authority_, signer_));

  wanted = base("db1", CertificateUsage::client);
  wanted.ip_names = {"localhost"};
  EXPECT_FALSE(issue(wanted, authority_, signer_));

  for (std::string uri : {std::string("nae://device/a\0b", 16), std::string("nae://device/a b"),
                          std::string("nae://device/\xc3\xa4"), std::string()}) {
    wanted = base("db1", CertificateUsage::client);
    wanted.uri_names = {uri};
    EXPECT_FALSE(issue(wanted, authority_, signer_)) << uri;
  }

  wanted = base("db1", CertificateUsage::client);
  wanted.spki.pop_back();
  EXPECT_FALSE(issue(wanted, authority_, signer_));
}

TEST_F(CertificateTest, CommasInNamesAddNoNames) {
  CertificateTemplate wanted = base("db1", CertificateUsage::client);
  wanted.uri_names = {"nae://device/a,URI:nae://admin/root"};
  CertificateInfo info = read_certificate(issue(wanted, authority_, signer_).value()).value();
  EXPECT_THAT(info.uri_names, ElementsAre("nae://device/a,URI:nae://admin/root"));
}

TEST_F(CertificateTest, ReadsWhatWasIssued) {
  CertificateTemplate wanted = base(std::string(100, 'x'), CertificateUsage::client);
  wanted.uri_names = {"nae://device/db1"};
  wanted.dns_names = {"db1.example"};
  CertificateInfo info = read_certificate(issue(wanted, authority_, signer_).value()).value();
  EXPECT_EQ(info.common_name, std::string(64, 'x'));
  EXPECT_THAT(info.uri_names, ElementsAre("nae://device/db1"));
  EXPECT_THAT(info.dns_names, ElementsAre("db1.example"));
  EXPECT_EQ(info.serial.size(), 32u);
  EXPECT_EQ(info.fingerprint.size(), 64u);
  EXPECT_EQ(info.not_before_s, wanted.not_before_s);
  EXPECT_EQ(info.not_after_s, wanted.not_after_s);
  EXPECT_EQ(info.spki, leaf_key_.spki);
}

TEST_F(CertificateTest, SerialNumbersDiffer) {
  CertificateTemplate wanted = base("db1", CertificateUsage::client);
  EXPECT_NE(read_certificate(issue(wanted, authority_, signer_).value())->serial,
            read_certificate(issue(wanted, authority_, signer_).value())->serial);
}

TEST_F(CertificateTest, GarbageIsNoCertificate) {
  EXPECT_FALSE(read_certificate(""));
  EXPECT_FALSE(read_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_FALSE(read_certificate(std::string(65 * 1024, 'A')));
  EXPECT_FALSE(read_certificate(as_text(leaf_key_.private_key_pem)));
  EXPECT_FALSE(read_certificate(authority_.substr(0, authority_.size() / 2)));
}

TEST_F(CertificateTest, RequestTravels) {
  std::string pem = make_request(leaf_key_.private_key_pem, "db1").value();
  CertificateRequest request = read_request(pem).value();
  EXPECT_EQ(request.common_name, "db1");
  EXPECT_EQ(request.spki, leaf_key_.spki);
  EXPECT_EQ(public_key_of(leaf_key_.private_key_pem).value(), leaf_key_.spki);
}

TEST_F(CertificateTest, PublicKeysHaveATextForm) {
  std::string pem = public_key_to_pem(leaf_key_.spki).value();
  EXPECT_THAT(pem, testing::StartsWith("-----BEGIN PUBLIC KEY-----\n"));
  Bytes longer = leaf_key_.spki;
  longer.push_back(0);
  EXPECT_FALSE(public_key_to_pem(longer));
  EXPECT_FALSE(public_key_to_pem({}));
}

TEST_F(CertificateTest, EveryFlippedByteOfARequestIsRefused) {
  std::string pem = make_request(leaf_key_.private_key_pem, "db1").value();
  handle<BIO, BIO_free_all> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  ASSERT_EQ(PEM_read_bio(in.get(), &name, &header, &data, &size), 1);
  for (long at = 0; at < size; ++at) {
    Bytes changed(data, data + size);
    changed[static_cast<std::size_t>(at)] ^= 0x01;
    handle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
    PEM_write_bio(out.get(), name, header, changed.data(), size);
    char* text = nullptr;
    long text_size = BIO_get_mem_data(out.get(), &text);
    EXPECT_FALSE(read_request({text, static_cast<std::size_t>(text_size)})) << "byte " << at;
  }
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
}

TEST_F(CertificateTest, OtherCurvesAreRefused) {
  handle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-384"));
  handle<X509_REQ, X509_REQ_free> request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha384());
  handle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(out.get(), request.get());
  char* text = nullptr;
  long size = BIO_get_mem_data(out.get(), &text);
  auto refused = read_request({text, static_cast<std::size_t>(size)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
}

TEST_F(CertificateTest, AnEncryptedPrivateKeyAsksNobody) {
  handle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  handle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), "secret", 6, nullptr,
                                nullptr);
  char* text = nullptr;
  long size = BIO_get_mem_data(out.get(), &text);
  EXPECT_FALSE(make_request(as_bytes({text, static_cast<std::size_t>(size)}), "db1"));
  EXPECT_FALSE(make_request(as_bytes("no key"), "db1"));
}

}  // namespace
}  // namespace nae::crypto
