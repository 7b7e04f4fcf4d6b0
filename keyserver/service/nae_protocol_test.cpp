// What a device with a valid certificate may try against the service and its neighbours.
#include "keyserver/service/nae_protocol.hpp"

#include <gtest/gtest.h>

#include "keyserver/service/service_test_server.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::service {
namespace {

using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

audit::Filter of_action(std::string action) {
  audit::Filter filter;
  filter.action = std::move(action);
  return filter;
}

TEST(Service, EncryptsAndDecrypts) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  auto sealed = client.answer();
  ASSERT_EQ(sealed.items.size(), 1u);
  client.ask(1, Action::decrypt, "", sealed.items);
  EXPECT_EQ(client.answer().items.at(0), bytes_of("value"));
}

TEST(Service, InventedKeyIdsMakeOneRecord) {
  ServiceTestServer server;
  auto key = must(server.ring().create("pii", KeyType::aes_256_gcm));
  std::vector<Bytes> invented;
  for (std::uint16_t i = 1; i <= 500; ++i) {
    Bytes foreign(64), unborn(64);
    write_gcm_header(foreign.data(), {KeyId{{1, 2, 3, 4, Byte(i >> 8), Byte(i)}}, 1}, {}, 0);
    write_gcm_header(unborn.data(), {key->id, static_cast<std::uint16_t>(i + 1)}, {}, 0);
    invented.push_back(foreign);
    invented.push_back(unborn);
  }
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::decrypt, "", invented);
  auto answer = client.answer();
  ASSERT_EQ(answer.statuses.size(), 1000u);
  for (auto status : answer.statuses)
    EXPECT_EQ(status, static_cast<std::uint16_t>(Code::envelope_foreign));
  auto records = server.records(of_action("decrypt"));
  ASSERT_EQ(records.size(), 2u);
  for (const auto& record : records) {
    EXPECT_EQ(record.items, 500u);
    EXPECT_EQ(record.failed_items, 500u);
    EXPECT_EQ(record.reason, "envelope_foreign");
  }
}

TEST(Service, AnEnvelopeOfTheWrongFormatSpoilsNoOther) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  client.open(1, "alice");
  client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  Bytes sealed = client.answer().items.at(0);
  Bytes changed = sealed;
  changed[0] = static_cast<Byte>(Format::aes_256_siv);
  for (const std::vector<Bytes>& items :
       {std::vector<Bytes>{changed, sealed}, std::vector<Bytes>{sealed, changed}}) {
    client.ask(1, Action::decrypt, "", items);
    auto answer = client.answer();
    ASSERT_EQ(answer.statuses.size(), 2u) << answer.error->message;
    std::size_t good = items[0] == sealed ? 0 : 1;
    EXPECT_EQ(answer.items[good], bytes_of("value"));
    EXPECT_EQ(answer.statuses[1 - good], static_cast<std::uint16_t>(Code::envelope_malformed));
  }
}

}  // namespace
}  // namespace nae::service
