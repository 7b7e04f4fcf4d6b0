// What the audit log says of those who try not to be seen in it, and who is counted by a limit.
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/wire/lookup.hpp"

namespace nae::nae1 {
namespace {

using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

const std::string kRules = std::string(testing::kPolicyText) + R"(
[[rule]]
name = "analysts-read"
roles = ["analyst"]
keys = ["pii"]
actions = ["decrypt"]
limits = ["5 per day"]
result = "value"
)";

wire::OpenContext context_of(std::uint32_t number, const std::string& role,
                             std::vector<std::string> memberships = {}) {
  wire::OpenContext open;
  open.context = number;
  open.role.database = "db";
  open.role.effective_role = open.role.session_role = open.role.login_role = role;
  open.role.memberships = std::move(memberships);
  open.program.emplace();
  open.program->name = "postgres";
  return open;
}

class Evidence : public ::testing::Test {
 protected:
  Evidence() {
    server_.apply(kRules);
    for (const char* key : {"pii", "other"}) must(server_.ring().create(key, KeyType::aes_256_gcm));
    client_->open(1, "alice");
  }
  Bytes seal(std::string_view key) {
    client_->ask(1, Action::encrypt, key, {bytes_of("x")});
    return client_->answer().items.at(0);
  }
  // The records once they tell of so many requests: what is counted is written when the connection
  // ends, at the latest.
  std::vector<audit::StoredRecord> records_of(const std::string& action, std::uint64_t requests) {
    client_.reset();
    audit::Filter filter;
    filter.action = action;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto records = server_.records(filter);
    while (requests_in(records) < requests && std::chrono::steady_clock::now() < deadline)
      records = server_.records(filter);
    return records;
  }
  static std::uint64_t requests_in(const std::vector<audit::StoredRecord>& records) {
    std::uint64_t sum = 0;
    for (const auto& record : records) sum += record.repeated;
    return sum;
  }

  ServiceTestServer server_;
  std::optional<ServiceTestClient> client_{std::in_place, server_};
};

TEST_F(Evidence, AKeyNamedWhereNoneIsUsedIsRefused) {
  for (const Action action : {Action::hash, Action::random}) {
    client_->ask(1, action, "pii", {Bytes{0, 0, 0, 8}}, {}, 1);
    EXPECT_EQ(client_->answer().code(), Code::invalid_argument) << name(action);
  }
  const auto found = server_.records();
  EXPECT_EQ(found.back().reason, "invalid_argument");
  EXPECT_EQ(found.back().verdict, "deny");
}

TEST_F(Evidence, AKeyThatIsNamedIsComparedAndNeverRecordedInThePlaceOfAnother) {
  const Bytes value = seal("pii");
  client_->ask(1, Action::decrypt, "other", {value});
  EXPECT_EQ(client_->answer().code(), Code::envelope_foreign);
  client_->ask(1, Action::rewrap, "other", {value});
  EXPECT_EQ(client_->answer().code(), Code::envelope_foreign);
  client_->ask(1, Action::decrypt, "no-such-key", {Bytes(64)});
  EXPECT_EQ(client_->answer().code(), Code::key_unknown);
  client_->ask(1, Action::decrypt, "pii", {value});
  EXPECT_EQ(client_->answer().items.at(0), bytes_of("x"));
  const auto found = records_of("decrypt", 3);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].key, "pii");
  EXPECT_EQ(found[0].reason, "envelope_foreign");
  EXPECT_EQ(found[1].key, "no-such-key") << "refused for its name, before a value was looked at";
  EXPECT_EQ(found[1].reason, "key_unknown");
  EXPECT_EQ(found[2].key, "pii");
}

TEST_F(Evidence, RecordsNameTheMembershipThatMatched) {
  const Bytes value = seal("pii");
  client_->open(context_of(2, "carol", {"analyst", "staff"}));
  client_->open(context_of(3, "analyst"));
  for (std::uint32_t context : {2u, 3u}) {
    client_->ask(context, Action::decrypt, "", {value});
    EXPECT_EQ(client_->answer().code(), Code{});
  }
  const auto found = records_of("decrypt", 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].role, "carol");
  EXPECT_EQ(found[0].membership, "analyst");
  EXPECT_EQ(found[1].membership, "");
}

TEST_F(Evidence, InventedRolesReadNoMoreThanOne) {
  const Bytes value = seal("pii");
  int read = 0;
  for (std::uint32_t number = 2; number < 202; ++number) {
    client_->open(context_of(number, "invented" + std::to_string(number), {"analyst"}));
    client_->ask(number, Action::decrypt, "", {value});
    read += client_->answer().code() == Code{};
  }
  EXPECT_EQ(read, 5);
}

TEST_F(Evidence, WhatIsRefusedForItsSizeOrItsContextHasARecord) {
  const std::uint32_t most = 65'536;
  const Bytes one{1};
  const std::vector<ByteView> items(most + 1, one);
  wire::CryptoRequest request;
  request.header.context = 1;
  request.header.action = Action::encrypt;
  request.header.key = "pii";
  request.items = items;
  Bytes frame;
  wire::append_crypto(frame, 901, request);
  client_->raw(frame);
  EXPECT_EQ(client_->answer().code(), Code::too_many_items);
  Bytes lookup;
  wire::append_lookup(lookup, 900, {77, wire::LookupSubject::whoami});
  client_->raw(lookup);
  EXPECT_EQ(client_->answer().code(), Code::context_unknown);
  const auto refused = records_of("encrypt", 1);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].items, most + 1);
  EXPECT_EQ(refused[0].reason, "too_many_items");
  EXPECT_EQ(refused[0].role, "alice");
  audit::Filter filter;
  filter.action = "lookup";
  EXPECT_EQ(server_.records(filter).at(0).reason, "context_unknown");
}

TEST_F(Evidence, AFrameThatIsNoneHasARecord) {
  client_->round_trip();
  client_->raw(Bytes{0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7});
  EXPECT_EQ(client_->answer().code(), Code::protocol_violation);
  const auto found = records_of("frame", 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].device, "db1");
  EXPECT_EQ(found[0].reason, "protocol_violation");
}

// The agent's connection is everybody's on a host.
TEST_F(Evidence, ProbesOfInventedKeysHideNobodyElse) {
  client_->open(context_of(2, "mallory"));
  client_->open(context_of(3, "trudy"));
  for (int i = 0; i < 500; ++i)
    client_->ask(2, Action::encrypt, "key-" + std::to_string(i), {Bytes{1}});
  client_->ask(3, Action::encrypt, "pii", {Bytes{1}});
  client_->ask(2, Action::encrypt, "other", {Bytes{1}});
  for (int i = 0; i < 502; ++i) EXPECT_EQ(client_->answer().code(), Code::denied);
  const auto found = records_of("encrypt", 502);
  EXPECT_EQ(requests_in(found), 502u);
  EXPECT_LT(found.size(), 20u);
  std::set<std::pair<std::string, std::string>> told;
  for (const auto& record : found) told.emplace(record.role, record.key);
  EXPECT_TRUE(told.contains({"trudy", "pii"}));
  EXPECT_TRUE(told.contains({"mallory", "other"}));
  EXPECT_TRUE(told.contains({"mallory", "(unknown)"}));
}

TEST_F(Evidence, EqualRequestsWithoutAKeyAreCountedTogether) {
  for (int i = 0; i < 1000; ++i) client_->ask(1, Action::hash, "", {Bytes{1}}, {}, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(client_->answer().code(), Code{});
  const auto found = records_of("hash", 1000);
  EXPECT_EQ(requests_in(found), 1000u);
  EXPECT_LT(found.size(), 100u) << "a few each second";
}

}  // namespace
}  // namespace nae::nae1
