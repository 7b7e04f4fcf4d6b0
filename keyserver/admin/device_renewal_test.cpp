// A host renews its own certificate: for itself, for its key, and not before it must.
#include "keyserver/admin/admin_service_test_server.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kDayUs = 86'400'000'000;

class DeviceRenewalTest : public AdminServiceTest {
 protected:
  void SetUp() override {
    AdminServiceTest::SetUp();
    first_ = must_enroll("db1", pair_, 30);
  }

  http::HttpResponse must_enroll(const std::string& device, const crypto::KeyPair& pair, int days) {
    http::HttpResponse made =
        call("operator", "POST", "/v1/devices",
             {{"name", device}, {"request", request_of(pair)}, {"valid_days", days}});
    EXPECT_EQ(made.status, 201u) << made.body;
    return made;
  }
  static std::string request_of(const crypto::KeyPair& pair) {
    return crypto::make_request(pair.private_key_pem, "any").value();
  }
  static http::Peer device(std::string name, const http::HttpResponse& issued) {
    return {{net::PeerKind::device, std::move(name), "01", shown(parsed(issued), "fingerprint")},
            "127.0.0.1:5000"};
  }
  http::HttpResponse renew(const http::Peer& by, const json::object& body) {
    return service_->serve(
        {"POST", "/v1/device/certificate", "application/json", json::serialize(body)}, by);
  }
  http::HttpResponse renew(const http::HttpResponse& with) {
    return renew(device("db1", with), {{"request", request_of(pair_)}});
  }
  static crypto::CertificateInfo info_of(const http::HttpResponse& issued) {
    return crypto::read_certificate(shown(parsed(issued), "certificate")).value();
  }
  void pass_us(std::int64_t time_us) {
    wall_set_us_ += time_us;
    clock_.accept();
  }
  void pass(std::int64_t days) { pass_us(days * kDayUs); }
  void expect_refused(const http::HttpResponse& response, std::string_view wanted) {
    EXPECT_EQ(code(response), wanted) << response.body;
    EXPECT_THAT(response.body, testing::Not(HasSubstr("BEGIN CERTIFICATE")));
    EXPECT_EQ(records("device-renew").back().verdict, "deny");
    EXPECT_EQ(records("device-renew").back().reason, wanted);
  }

  crypto::KeyPair pair_ = crypto::generate_p256().value();
  http::HttpResponse first_;
};

TEST_F(DeviceRenewalTest, SameNameSameKeySameLifeAndRecorded) {
  pass(20);
  http::HttpResponse renewed = renew(first_);
  ASSERT_EQ(renewed.status, 201u) << renewed.body;
  const crypto::CertificateInfo before = info_of(first_), after = info_of(renewed);
  EXPECT_EQ(after.uri_names, std::vector<std::string>{"nae://device/db1"});
  EXPECT_EQ(after.spki, before.spki);
  EXPECT_NE(after.serial, before.serial);
  EXPECT_NEAR(static_cast<double>(after.not_after_s - before.not_after_s), 20 * 86'400.0, 60.0);
  EXPECT_EQ(shown(parsed(renewed), "authority"), *authority_);
  EXPECT_EQ(store_->list_devices()->size(), 2u);
  for (const http::HttpResponse& each : {first_, renewed})
    EXPECT_TRUE(devices_->admits(device("db1", each).identity)) << "the old one until it ends";
  const auto record = records("device-renew").back();
  EXPECT_EQ(record.admin, "device/db1");
  EXPECT_EQ(record.target, "db1");
  EXPECT_EQ(record.verdict, "value");
  EXPECT_THAT(record.detail, HasSubstr(after.serial));
  EXPECT_THAT(record.detail, HasSubstr(before.serial));
}

TEST_F(DeviceRenewalTest, InTheSecondHalfOfItsLifeOnly) {
  pass(14);
  expect_refused(renew(first_), "conflict");
  pass(1);
  EXPECT_EQ(renew(first_).status, 201u) << "half of 30 days";
  pass(15);
  expect_refused(renew(first_), "device_unknown");  // it has ended
}

TEST_F(DeviceRenewalTest, NotForAnotherKeyOrAnotherName) {
  pass(20);
  const crypto::KeyPair other = crypto::generate_p256().value();
  expect_refused(renew(device("db1", first_), {{"request", request_of(other)}}),
                 "certificate_rejected");
  // Whose certificate it is decides, and none of what the request says.
  const http::HttpResponse second = must_enroll("db2", other, 30);
  expect_refused(renew(device("db1", second), {{"request", request_of(other)}}), "device_unknown");
  expect_refused(renew(device("db1", first_), {{"request", request_of(pair_)}, {"name", "db2"}}),
                 "invalid_argument");
  expect_refused(renew(device("db1", first_), {{"request", request_of(pair_)}, {"valid_days", 9}}),
                 "invalid_argument");
  expect_refused(renew(device("db1", first_), {{"request", "nonsense"}}), "invalid_argument");
  EXPECT_EQ(store_->list_devices()->size(), 2u);
}

TEST_F(DeviceRenewalTest, RemovedOnesAndStrangersAreRefused) {
  pass(20);
  const http::Peer stranger{{net::PeerKind::device, "db9", "01", std::string(64, 'a')},
                            "127.0.0.1:1"};
  expect_refused(renew(stranger, {{"request", request_of(pair_)}}), "device_unknown");
  ASSERT_EQ(call("operator", "DELETE", "/v1/devices/db1").status, 200u);
  expect_refused(renew(first_), "device_unknown");
}

TEST_F(DeviceRenewalTest, NoAdministratorAsksForIt) {
  pass(20);
  for (AdminRole role : admin_roles())
    expect_refused(renew(peer(std::string(name_of(role))), {{"request", request_of(pair_)}}),
                   "admin_role_missing");
}

// A lost answer is asked for again; a host that asks for ever does not fill the store.
TEST_F(DeviceRenewalTest, AtMostFourBesideTheOneThatAsks) {
  pass(20);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(renew(first_).status, 201u) << i;
    pass_us(1'000'000);
  }
  expect_refused(renew(first_), "limit_exceeded");
  EXPECT_EQ(store_->list_devices()->size(), 5u);
}

TEST_F(DeviceRenewalTest, AServerMayForbidIt) {
  pass(20);
  AdminParts parts = *parts_;
  parts.certificates.device_renewal = false;
  service_ = std::make_unique<AdminService>(parts);
  expect_refused(renew(first_), "denied");
}

TEST_F(DeviceRenewalTest, NothingIsIssuedWithoutARecord) {
  pass(20);
  std::filesystem::remove_all(directory_ / "audit");
  (void)audit_->sign_head();  // notices
  EXPECT_EQ(renew(first_).status, 503u);
  EXPECT_EQ(store_->list_devices()->size(), 1u);
}

}  // namespace
}  // namespace nae::admin
