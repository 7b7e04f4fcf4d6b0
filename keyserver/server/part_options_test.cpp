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
  std::vector<service::DeviceSeats::Seat> taken;
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
}

TEST(PartOptions, CarryWhatTheConfigurationSays) {
  const keys::TrustedTime clock;
  config::Config config;
  config.keys.destroy_wait = std::chrono::hours(1);
  EXPECT_EQ(ring_options(config, clock).destroy_wait_us, 3'600'000'000);
  config.limits.working_keys = 16;
  EXPECT_EQ(settings_of(config, "s").max_working_keys_per_request, 4u) << "not the whole cache";
  EXPECT_EQ(working_key_options(config, nullptr).capacity, 16u);
  config.server.max_connections = 10;
  config.admin.max_connections = 5;
  EXPECT_EQ(most_connections(config), 15u + admin::kMostSeenOut) << "none keeps another out";
  config.tls.client_authority = "/a";
  EXPECT_EQ(tls_files(config).authority, "/a");
}

}  // namespace
}  // namespace nae::server
