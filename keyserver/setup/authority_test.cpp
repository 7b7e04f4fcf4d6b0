// Certificates by the authority in the HSM, and the store's tie to its token; on SoftHSM.
#include "keyserver/setup/authority.hpp"

#include <gmock/gmock.h>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/test_token.hpp"
#include "keyserver/setup/token_binding.hpp"
#include "keyserver/store/sqlite/test_store.hpp"

namespace nae::setup {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kNow = 1'774'746'000;

class AuthorityTest : public store::sqlite::StoreTest {
 protected:
  AuthorityTest()
      : hsm_(std::move(*hsm::Pkcs11Hsm::open(token_.options()))),
        authority_(make_authority(*hsm_, "s1", kNow).value()) {}
  crypto::CertificateInfo read(const Result<std::string>& pem) {
    EXPECT_TRUE(pem) << pem.error().message;
    return crypto::read_certificate(pem.value_or("")).value_or(crypto::CertificateInfo{});
  }

  hsm::TestToken token_;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm_;
  std::string authority_;
  Bytes spki_ = crypto::generate_p256().value().spki;
};

TEST_F(AuthorityTest, IsOfTheKeyInTheHsmForTenYears) {
  const auto info = read(authority_);
  EXPECT_EQ(info.common_name, "NAE authority s1");
  EXPECT_EQ(info.spki, hsm_->public_key_of(keys::ServerKey::authority).value());
  EXPECT_EQ(info.not_after_s, kNow + kAuthorityDays * kSecondsPerDay);
  EXPECT_LT(info.not_before_s, kNow) << "hosts' clocks differ";
}

TEST_F(AuthorityTest, TellsAddressesFromNames) {
  const auto info = read(
      issue_server(*hsm_, authority_, {"keys.example", "127.0.0.1", "::1", "a1"}, spki_, kNow));
  EXPECT_EQ(info.common_name, "keys.example");
  EXPECT_THAT(info.dns_names, ElementsAre("keys.example", "a1"));
  EXPECT_THAT(info.ip_names, ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(info.uri_names, IsEmpty()) << "no server passes for a device";
  EXPECT_EQ(info.spki, spki_);
}

TEST_F(AuthorityTest, GivesAClientOneIdentity) {
  const auto info =
      read(issue_client(*hsm_, authority_, "db1", "nae://device/db1", spki_, kNow, 1));
  EXPECT_THAT(info.uri_names, ElementsAre("nae://device/db1"));
  EXPECT_THAT(info.dns_names, IsEmpty());
  EXPECT_EQ(info.not_after_s, kNow + kSecondsPerDay);
}

TEST_F(AuthorityTest, RefusesWhatIsNoKeyOrNoAuthorityOfIts) {
  EXPECT_FALSE(issue_server(*hsm_, authority_, {"k"}, {}, kNow));
  EXPECT_FALSE(issue_server(*hsm_, "no certificate", {"k"}, spki_, kNow));
  // The signature would be by another key than the issuer's name promises.
  const crypto::KeyPair pair = crypto::generate_p256().value();
  crypto::CertificateTemplate wanted;
  wanted.common_name = "another";
  wanted.not_after_s = kNow + 1000;
  wanted.usage = crypto::CertificateUsage::authority;
  wanted.spki = pair.spki;
  const auto signer = crypto::software_signer(pair.private_key_pem).value();
  const std::string other = crypto::issue(wanted, std::nullopt, signer).value();
  auto client = issue_client(*hsm_, other, "db1", "nae://device/db1", spki_, kNow, 1);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Code::tls_failed) << "of the configuration, no fault of ours";
  EXPECT_EQ(issue_server(*hsm_, other, {"k"}, spki_, kNow).error().code, Code::tls_failed);
}

TEST_F(AuthorityTest, AStoreKnowsItsToken) {
  auto store = create();
  auto unbound = check_token(*store, *hsm_);
  ASSERT_FALSE(unbound);
  EXPECT_EQ(unbound.error().code, Code::store_corrupt);
  ASSERT_TRUE(bind_to_token(*store, *hsm_));
  EXPECT_TRUE(check_token(*store, *hsm_));
  auto other = store::sqlite::Store::create(directory_ / "other.db").value();
  ASSERT_TRUE(other->set_meta("token", std::string(64, '0')));
  auto foreign = check_token(*other, *hsm_);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, Code::group_key_missing);
}

}  // namespace
}  // namespace nae::setup
