// What the key server refuses of a frame, and whether the connection ends by it:
// tests/vectors/wire_refused.txt, made from the specification.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::nae1 {
namespace {

using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

TEST(RefusedFrames, AreAnsweredAsTheSpecificationSays) {
  ServiceTestServer server;
  must(server.ring().create("k", KeyType::hmac_sha_256));
  for (const auto& vector : vectors::read("wire_refused.txt")) {
    SCOPED_TRACE(vector.section);
    ServiceTestClient client(server);
    client.open(5, "alice");
    client.round_trip();
    client.send_raw(vector.bytes("frame"));
    auto error = client::as_error(client.frame());
    ASSERT_TRUE(error);
    EXPECT_EQ(static_cast<unsigned long>(error->error.code), vector.number("code"))
        << error->error.message;
    if (vector.value("closes") == "yes") {
      EXPECT_THROW(client.round_trip(), std::runtime_error);
      continue;
    }
    client.ask(5, Action::mac, "k", {bytes_of("value")});
    EXPECT_EQ(client.answer().statuses, std::vector<std::uint16_t>{0});
  }
}

// An attacker may write anything where nothing is expected: it does not get into the log.
TEST(RefusedFrames, AKeyThatIsNamedForNothingIsNotRecorded) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::hash, "customer-pii", {bytes_of("value")}, {}, 1);
  EXPECT_EQ(client.answer().code(), Code::invalid_argument);
  audit::Filter filter;
  filter.action = "hash";
  auto records = server.records(filter);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].key, "");
  EXPECT_EQ(records[0].reason, "invalid_argument");
}

TEST(RefusedFrames, OneBadItemOfRandomFailsAlone) {
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::random, "",
             {Bytes{0, 0, 0, 8}, Bytes{0, 0, 0, 0}, Bytes{0, 0, 4, 1}, bytes_of("abc"), Bytes{},
              Bytes{0, 0, 4, 0}});
  auto answer = client.answer();
  constexpr auto kBad = static_cast<std::uint16_t>(Code::invalid_argument);
  EXPECT_EQ(answer.statuses, (std::vector<std::uint16_t>{0, kBad, kBad, kBad, kBad, 0}));
  EXPECT_EQ(answer.items.at(0).size(), 8u);
  EXPECT_EQ(answer.items.at(5).size(), 1024u);
  audit::Filter filter;
  filter.action = "random";
  EXPECT_EQ(server.records(filter).at(0).failed_items, 4u);
}

}  // namespace
}  // namespace nae::nae1
