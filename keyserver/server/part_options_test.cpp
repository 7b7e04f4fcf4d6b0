#include "keyserver/server/part_options.hpp"

#include <gtest/gtest.h>

namespace nae::server {
namespace {

TEST(WorkerCount, IsAtLeastOne) {
  EXPECT_EQ(worker_count(1), 1u);
  EXPECT_EQ(worker_count(256), 256u);
  EXPECT_GE(worker_count(0), 1u);
}

// How many seats one device finds.
std::size_t seats_of_one(const config::Config& config) {
  auto seats = seats_of(config);
  std::vector<nae1::DeviceSeats::Seat> taken;
  while (taken.size() < 10'000)
    if (auto seat = seats->enter("db1"))
      taken.push_back(*std::move(seat));
    else
      break;
  return taken.size();
}

TEST(SeatsOf, GiveADeviceAQuarterButFour) {
  config::Config config;
  config.server.max_connections = 100;
  EXPECT_EQ(seats_of_one(config), 25u);
  config.server.max_connections = 8;
  EXPECT_EQ(seats_of_one(config), 4u) << "an agent has twice its two while it loads a certificate";
  config.server.max_connections = 3;
  EXPECT_EQ(seats_of_one(config), 3u) << "no more than there are";
  config.server.max_connections = 100;
  config.server.max_connections_per_device = 7;
  EXPECT_EQ(seats_of_one(config), 7u);
}

// A device's share holds one frame, whatever the configuration leaves it.
TEST(MemoryOf, HoldsOneFrameOfADevice) {
  config::Config config;
  config.limits.connection_memory_mib = 128;
  config.limits.wire.max_frame_bytes = wire::kMaxFrameBytesCeiling;
  const std::size_t frame = wire::kFrameHeaderBytes + wire::kMaxFrameBytesCeiling;
  auto share = memory_of(config)->share("db1");
  EXPECT_TRUE(share.hold(frame));
  EXPECT_FALSE(share.hold(frame + net::MemoryBudget::kFreeBytes + 1));
  config.limits.wire.max_frame_bytes = 64 << 10;
  auto quarter = memory_of(config)->share("db1");
  EXPECT_TRUE(quarter.hold(32u << 20));
  EXPECT_FALSE(quarter.hold((32u << 20) + net::MemoryBudget::kFreeBytes + 1));
}

TEST(ListenerOptions, KnowTheBalancersThatAreNamed) {
  config::Config config;
  config.server.port = 4711;
  EXPECT_FALSE(listener_options(config).value().writes_proxy_header) << "nobody is";
  config.server.proxy_protocol_from = {"10.0.0.7", "10.1.0.0/24", "2001:db8::/64"};
  const auto options = listener_options(config);
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->port, 4711);
  for (const char* balancer :
       {"10.0.0.7:50312", "10.1.0.255:1", "[2001:db8::9]:50312", "[::ffff:10.0.0.7]:50312"})
    EXPECT_TRUE(options->writes_proxy_header(balancer)) << balancer;
  for (const char* other :
       {"10.0.0.8:50312", "10.1.1.0:1", "[2001:db8:1::9]:50312", "unknown", "unix", ""})
    EXPECT_FALSE(options->writes_proxy_header(other)) << other;
}

// Each client could say where it comes from.
TEST(ListenerOptions, RefuseNetworksThatAreNoneOrEverybody) {
  for (const char* wrong : {"balancer", "10.0.0.1/33", "10.0.0.1/8", "", "0.0.0.0/0", "::/0"}) {
    config::Config config;
    config.server.proxy_protocol_from = {"10.0.0.7", wrong};
    const auto options = listener_options(config);
    ASSERT_FALSE(options) << wrong;
    EXPECT_EQ(options.error().code, Code::config_invalid) << wrong;
    EXPECT_NE(options.error().message.find("proxy_protocol_from"), std::string::npos);
  }
}

TEST(RulesOf, RefuseAClassThatNoCallHas) {
  config::Config config;
  EXPECT_FALSE(rules_of(config).value().any());
  config.approval.required = {"admin-change", "key-destory"};
  EXPECT_EQ(rules_of(config).error().code, Code::config_invalid);
  config.approval.required = {"key-destroy"};
  EXPECT_EQ(rules_of(config).error().code, Code::config_invalid) << "who appoints could approve";
  config.approval.required.assign(std::begin(config::kApprovedByDefault),
                                  std::end(config::kApprovedByDefault));
  EXPECT_TRUE(rules_of(config).value().any());
  config.approval.by_cards = {"key-destroy"};
  config.approval.custody = "/nowhere/custody.nae";
  EXPECT_EQ(rules_of(config).error().code, Code::config_invalid);
  EXPECT_EQ(rules_of(config).error().message,
            "approval.custody: /nowhere/custody.nae is not a file");
}

TEST(PartOptions, CarryWhatTheConfigurationSays) {
  const keys::TrustedTime clock;
  config::Config config;
  config.keys.destroy_wait = std::chrono::hours(1);
  EXPECT_EQ(ring_options(config, clock, {}).destroy_wait_us, 3'600'000'000);
  config.limits.working_keys = 16;
  config.store.node = "ks2";
  EXPECT_EQ(settings_of(config, "s").node, "ks2");
  EXPECT_EQ(settings_of(config, "s").max_working_keys_per_request, 4u) << "not the whole cache";
  EXPECT_EQ(working_key_options(config, nullptr).capacity, 16u);
  config.limits.working_keys = 1024;
  EXPECT_EQ(working_key_options(config, nullptr).derived, 24'576u) << "half and an eighth is taken";
  config.limits.working_keys = 1'000'000;
  EXPECT_EQ(working_key_options(config, nullptr).derived, 0u) << "no room is left";
  config.server.max_connections = 10;
  config.admin.max_connections = 5;
  EXPECT_EQ(most_connections(config), 15u + http::kMostSeenOut) << "none keeps another out";
  config.tls.client_authority = "/a";
  EXPECT_EQ(tls_files(config).authority, "/a");
}

}  // namespace
}  // namespace nae::server
