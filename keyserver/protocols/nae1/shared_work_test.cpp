#include "keyserver/operations/shared_work.hpp"

#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"

namespace nae::nae1 {
namespace {

using testing::bytes_of;
using testing::HeldHsm;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

// A version's first use by thousands at once: more than may wait for the HSM, and one job of it.
TEST(SharedWork, OneDerivationServesAllWhoWaitForIt) {
  constexpr int kClients = 3'000;
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  must(server.ring().create("ssn", KeyType::aes_256_siv));
  must(server.ring().create("code", KeyType::hmac_sha_256));
  ServiceTestClient client(server);
  client.open(1, "alice");
  std::vector<std::vector<Bytes>> sealed;
  for (auto [action, key] : {std::pair(Action::encrypt, "pii"), std::pair(Action::encrypt, "ssn"),
                             std::pair(Action::mac, "code"), std::pair(Action::decrypt, "")}) {
    HeldHsm held(server.hsm());
    held.wait_until_begun();  // it would be counted among those that wait
    if (action == Action::decrypt) server.forget_working_keys();
    const double before = server.metrics().hsm_requests().Value();
    for (int i = 0; i < kClients; ++i)
      client.ask(
          1, action, key,
          action == Action::decrypt ? sealed.front() : std::vector<Bytes>{bytes_of("value")});
    client.round_trip();
    EXPECT_EQ(server.hsm().health().depth, 1u) << key;
    held.release();
    for (int i = 0; i < kClients; ++i) {
      auto answer = client.answer();
      ASSERT_EQ(answer.items.size(), 1u) << name(answer.code());
      if (i == 0) sealed.push_back(answer.items);
    }
    EXPECT_EQ(server.metrics().hsm_requests().Value() - before, 1) << key;
  }
}

TEST(SharedWork, AllWhoWaitForADerivationGetItsDeadline) {
  operations::Settings settings;
  settings.hsm_timeout = std::chrono::milliseconds(100);
  ServiceTestServer server({}, settings);
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  HeldHsm held(server.hsm());
  held.wait_until_begun();
  client.open(1, "alice");
  for (int i = 0; i < 10; ++i) client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.answer().code(), Code::timeout);
  held.release();
  client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  EXPECT_EQ(client.answer().items.size(), 1u);
}

}  // namespace
}  // namespace nae::nae1
