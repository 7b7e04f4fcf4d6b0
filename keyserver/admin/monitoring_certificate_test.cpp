// Certificates of monitoring: they read health and metrics, and do nothing else.
#include "keyserver/admin/admin_service_test_server.hpp"

namespace nae::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

class MonitoringCertificateTest : public AdminServiceTest {
 protected:
  http::HttpResponse enroll(const std::string& name, const std::string& kind,
                            const crypto::KeyPair& pair) {
    json::object body{{"name", name},
                      {"request", crypto::make_request(pair.private_key_pem, "any").value()}};
    if (!kind.empty()) body["kind"] = kind;
    return call("operator", "POST", "/v1/devices", body);
  }
  static http::Peer holder(net::PeerKind kind, const http::HttpResponse& issued) {
    return {{kind, "prometheus", "01", shown(parsed(issued), "fingerprint")}, "127.0.0.1:5000"};
  }
  http::HttpResponse get(const std::string& target, const http::Peer& by) {
    return service_->serve({"GET", target, "", ""}, by);
  }
  crypto::KeyPair pair_ = crypto::generate_p256().value(), other_ = crypto::generate_p256().value();
};

TEST_F(MonitoringCertificateTest, IsIssuedListedAndRemovedApartFromDevices) {
  http::HttpResponse monitoring = enroll("prometheus", "monitoring", pair_);
  ASSERT_EQ(monitoring.status, 201u) << monitoring.body;
  const auto info = crypto::read_certificate(shown(parsed(monitoring), "certificate")).value();
  EXPECT_EQ(info.uri_names, std::vector<std::string>{"nae://monitoring/prometheus"});
  EXPECT_EQ(info.common_name, "prometheus");
  EXPECT_EQ(shown(parsed(monitoring), "kind"), "monitoring");
  EXPECT_EQ(records("device-enroll").back().target, "monitoring/prometheus");
  // A host may have the name, with a key of its own.
  http::HttpResponse device = enroll("prometheus", "", other_);
  ASSERT_EQ(device.status, 201u) << device.body;
  EXPECT_EQ(shown(parsed(device), "kind"), "device");
  EXPECT_EQ(code(enroll("prometheus", "monitoring", other_)), "conflict") << "the name's key";
  EXPECT_EQ(code(enroll("prometheus", "admin", pair_)), "invalid_argument");
  EXPECT_EQ(code(enroll("monitoring/prometheus", "", other_)), "invalid_argument");

  using Kind = net::PeerKind;
  EXPECT_TRUE(devices_->admits(holder(Kind::monitoring, monitoring).identity));
  EXPECT_TRUE(devices_->admits(holder(Kind::device, device).identity));
  EXPECT_FALSE(devices_->admits(holder(Kind::device, monitoring).identity));
  EXPECT_FALSE(devices_->admits(holder(Kind::monitoring, device).identity));
  const net::PeerIdentity stranger{Kind::monitoring, "other", "01", std::string(64, 'a')};
  EXPECT_FALSE(devices_->admits(stranger)) << "no authority of others makes one";

  EXPECT_EQ(code(call("operator", "DELETE", "/v1/devices/prometheus?kind=no")), "invalid_argument");
  EXPECT_EQ(call("operator", "DELETE", "/v1/devices/prometheus?kind=monitoring").status, 200u);
  EXPECT_EQ(records("device-remove").back().target, "monitoring/prometheus");
  EXPECT_FALSE(devices_->admits(holder(Kind::monitoring, monitoring).identity));
  EXPECT_TRUE(devices_->admits(holder(Kind::device, device).identity)) << "the host stays";
}

TEST_F(MonitoringCertificateTest, ReadsHealthAndMetricsAndNothingElse) {
  const http::Peer peer =
      holder(net::PeerKind::monitoring, enroll("prometheus", "monitoring", pair_));
  for (const char* path : {"/healthz", "/readyz", "/metrics"})
    EXPECT_EQ(get(path, peer).status, 200u) << path;
  EXPECT_EQ(service_->serve({"POST", "/metrics", "", ""}, peer).status, 405u);
  for (const Route& route : routes()) {
    std::string path(route.path);
    for (std::size_t at; (at = path.find("{}")) != std::string::npos;) path.replace(at, 2, "1");
    http::HttpResponse refused = service_->serve({std::string(route.method), path, "", ""}, peer);
    EXPECT_EQ(refused.status, 403u) << route.action;
    EXPECT_EQ(code(refused), "admin_role_missing") << route.action;
  }
  EXPECT_EQ(records("unknown").back().admin, "monitoring/prometheus");
}

TEST_F(MonitoringCertificateTest, NoHostLearnsWhatWasBuilt) {
  const http::HttpResponse issued = enroll("prometheus", "monitoring", pair_);
  EXPECT_THAT(get("/metrics", holder(net::PeerKind::monitoring, issued)).body,
              HasSubstr("nae_build_info{"));
  const http::HttpResponse host = get("/metrics", peer("db1", net::PeerKind::device));
  EXPECT_EQ(host.status, 200u);
  EXPECT_THAT(host.body, Not(HasSubstr("nae_build_info")));
  EXPECT_THAT(host.body, HasSubstr("nae_ready"));
}

}  // namespace
}  // namespace nae::admin
