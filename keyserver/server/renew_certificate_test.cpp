// A server's certificate is renewed for the key and the names that it has, and for no others.
#include "keyserver/server/renew_certificate.hpp"

#include <gmock/gmock.h>

#include <ctime>

#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/test_installation.hpp"
#include "keyserver/setup/authority.hpp"

namespace nae::server {
namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

class RenewCertificateTest : public InstallationTest {
 protected:
  std::string present() const { return read_file(config_.tls.certificate, 1 << 16).value(); }
  crypto::CertificateInfo info() const { return crypto::read_certificate(present()).value(); }
  Code refusal() const {
    auto done = renew_certificate(config_);
    EXPECT_FALSE(done);
    return done ? Code::internal : done.error().code;
  }
  bool tls_takes_it() const {
    return net::TlsContext::server(
               {config_.tls.certificate, config_.tls.key, config_.tls.client_authority})
        .has_value();
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(config_.tls.certificate.parent_path()), {}));
  }
  config::Config another() const {
    setup::Choices choices;
    choices.directory = directory_ / "another";
    return config::load(setup::initialise(choices).value().configuration).value();
  }
};

TEST_F(RenewCertificateTest, ForTheSameKeyAndTheSameNames) {
  const auto before = info();
  const std::size_t files_before = files();
  auto done = renew_certificate(config_);
  ASSERT_TRUE(done) << done.error().message;
  const auto after = info();
  EXPECT_EQ(after.serial, done->serial);
  EXPECT_EQ(after.not_after_s, done->not_after_s);
  EXPECT_NE(after.serial, before.serial);
  EXPECT_EQ(after.spki, before.spki);
  EXPECT_EQ(after.dns_names, before.dns_names);
  EXPECT_EQ(after.ip_names, before.ip_names);
  EXPECT_FALSE(after.ip_names.empty() && after.dns_names.empty());
  EXPECT_TRUE(tls_takes_it());
  EXPECT_EQ(files(), files_before) << "one file took the place of another";
}

// Before the start of a server that nobody renewed in time.
TEST_F(RenewCertificateTest, OfAServerWhoseCertificateHasEnded) {
  const auto before = info();
  {
    setup::use_softhsm_configuration(config_.hsm.softhsm_configuration);
    auto hsm = hsm::Pkcs11Hsm::open(hsm_options(config_)).value();
    const std::string authority = read_file(config_.tls.client_authority, 1 << 16).value();
    const std::int64_t then =
        std::time(nullptr) - (setup::kCertificateDays + 1) * setup::kSecondsPerDay;
    write(config_.tls.certificate,
          setup::issue_server(*hsm, authority, {"keys.example", "::1"}, before.spki, then).value());
  }
  ASSERT_LT(info().not_after_s, std::time(nullptr));
  ASSERT_TRUE(renew_certificate(config_));
  EXPECT_GT(info().not_after_s, std::time(nullptr));
  EXPECT_EQ(info().dns_names, std::vector<std::string>{"keys.example"});
  EXPECT_EQ(info().ip_names, std::vector<std::string>{"::1"});
}

TEST_F(RenewCertificateTest, NotForAnotherKey) {
  const std::string before = present();
  const config::Config other = another();
  const fs::path own = std::exchange(config_.tls.key, other.tls.key);
  EXPECT_EQ(refusal(), Code::tls_failed) << "the certificate is not of this key";
  config_.tls.key = config_.tls.certificate;
  EXPECT_FALSE(renew_certificate(config_)) << "no key";
  config_.tls.key = directory_ / "missing";
  EXPECT_EQ(refusal(), Code::file_failed);
  config_.tls.key = own;
  EXPECT_EQ(present(), before);
}

TEST_F(RenewCertificateTest, NotByAnotherAuthority) {
  const std::string before = present();
  const config::Config other = another();
  const fs::path own = std::exchange(config_.tls.client_authority, other.tls.client_authority);
  EXPECT_EQ(refusal(), Code::tls_failed) << "its key is not in this HSM";
  config_.tls.client_authority = own;
  config_.store.path = other.store.path;
  EXPECT_EQ(refusal(), Code::group_key_missing) << "the store of another token";
  EXPECT_EQ(present(), before);
}

TEST_F(RenewCertificateTest, NotOfWhatIsNoCertificate) {
  for (const std::string& text : {std::string(), std::string("no PEM"), std::string(70'000, 'x')}) {
    write(config_.tls.certificate, text);
    EXPECT_FALSE(renew_certificate(config_)) << text.substr(0, 10);
    EXPECT_EQ(read_file(config_.tls.certificate, 1 << 20).value(), text);
  }
  fs::remove(config_.tls.certificate);
  EXPECT_EQ(refusal(), Code::file_failed);
  EXPECT_FALSE(fs::exists(config_.tls.certificate));
}

}  // namespace
}  // namespace nae::server
