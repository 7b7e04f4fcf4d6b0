// Who is let in on nae/1, and what those hear who are not.
#include "keyserver/protocols/nae1/admission.hpp"

#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/test_half_frames.hpp"
#include "libnae/base/test_eventually.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::nae1 {
namespace {

using testing::HalfFrames;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

// Connections that were refused so far, by their records.
std::size_t refused(const ServiceTestServer& server) {
  audit::Filter filter;
  filter.action = "connect";
  return server.records(filter).size();
}

TEST(Admission, OneDeviceDoesNotTakeAllConnections) {
  ServiceTestServer server;
  std::vector<std::unique_ptr<HalfFrames>> clients;
  for (int i = 0; i < 32; ++i) {
    clients.push_back(std::make_unique<HalfFrames>(server));
    clients.back()->greet();
  }
  HalfFrames one_more(server);
  Bytes hello;
  wire::append_hello(hello, 1, {});
  (void)one_more.send(hello);
  EXPECT_EQ(one_more.farewell().value().code, Code::limit_exceeded);
  ServiceTestClient another(server, "db2");
  another.round_trip();
}

TEST(Admission, ARemovedDeviceKeepsNoConnection) {
  ServiceTestServer server;
  HalfFrames silent(server);
  silent.greet();
  server.set_devices({{"db1", std::string(64, 'a'), true}});
  EXPECT_EQ(silent.farewell().value().code, Code::device_unknown);
}

TEST(Admission, ARemovedDeviceHearsWhyItIsNotLetIn) {
  ServiceTestServer server;
  server.set_devices({{"db1", std::string(64, 'a'), true}});
  HalfFrames removed(server);
  Bytes hello;
  wire::append_hello(hello, 9, {});
  ASSERT_TRUE(removed.send(hello));
  auto told = removed.farewell();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->code, Code::device_unknown);
  EXPECT_NE(told->message.find("\"db1\" was removed"), std::string::npos) << told->message;
  EXPECT_NE(told->hint.find("nae device enroll db1"), std::string::npos) << told->hint;
}

// Of those that say nothing, and of those whose hello comes byte by byte.
TEST(Admission, RemovedDevicesKeepFewPlacesAndNotForLong) {
  ServiceTestServer server;
  server.set_devices({{"db1", std::string(64, 'a'), true}});
  Bytes hello;
  wire::append_hello(hello, 9, {});
  std::vector<std::unique_ptr<HalfFrames>> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(std::make_unique<HalfFrames>(server));
    ASSERT_TRUE(waiting.back()->send(ByteView(hello).first(1)));
  }
  ASSERT_TRUE(eventually([&] { return refused(server) == 2; }));
  HalfFrames third(server);
  EXPECT_FALSE(third.farewell()) << "closed before anything was read";
  ServiceTestClient other(server, "db2");
  other.round_trip();
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t sent = 1; sent + 1 < hello.size(); ++sent) {
    if (!waiting[0]->send(ByteView(hello).subspan(sent, 1))) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the pace of the attack
  }
  EXPECT_FALSE(waiting[0]->farewell()) << "it was late";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_FALSE(waiting[1]->farewell());
}

}  // namespace
}  // namespace nae::nae1
