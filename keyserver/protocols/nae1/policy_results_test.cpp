// What policy says beyond yes and no, as a device sees it: results, limits, time, revocation.
#include <gtest/gtest.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "keyserver/operations/caller.hpp"
#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/base/text.hpp"

namespace nae::nae1 {
namespace {

using testing::bytes_of;
using testing::HeldHsm;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

constexpr std::uint16_t kValue = 0, kNull = 1, kMasked = 2, kCiphertext = 3;

std::uint16_t status_of(Code code) {
  return static_cast<std::uint16_t>(code);
}

// Bob reads each key differently; both may write with all of them.
std::string policy_with(const std::string& rules) {
  return std::string(testing::kPolicyText) + R"(
[[rule]]
name = "bob-writes"
roles = ["bob"]
keys = ["*"]
actions = ["encrypt", "rewrap", "sign"]
result = "value"
)" + rules;
}

std::string rule(const std::string& key, const std::string& result, const std::string& more = {}) {
  return "[[rule]]\nname = \"bob-" + key + "\"\nroles = [\"bob\"]\nkeys = [\"" + key +
         "\"]\nactions = [\"decrypt\"]\nresult = \"" + result + "\"\n" + more;
}

const std::string kResults = rule("shown", "value") + rule("masked", "mask(digits, last=4)") +
                             rule("nulled", "null") + rule("sealed", "ciphertext");

class PolicyResults : public ::testing::Test {
 protected:
  explicit PolicyResults(const std::string& rules = kResults) {
    server.apply(policy_with(rules));
    for (const char* key : {"shown", "masked", "nulled", "sealed", "hidden"})
      ids.push_back(must(server.ring().create(key, KeyType::aes_256_gcm))->id);
    client.open(1, "alice");
    client.open(2, "bob");
  }
  Bytes seal(std::string_view key, std::string_view value) {
    client.ask(1, Action::encrypt, key, {bytes_of(value)});
    return client.answer().items.at(0);
  }
  testing::Answer read(const std::vector<Bytes>& items) {
    client.ask(2, Action::decrypt, "", items);
    return client.answer();
  }
  std::vector<audit::StoredRecord> records(const std::string& action) {
    audit::Filter filter;
    filter.action = action;
    filter.role = "bob";
    return server.records(filter);
  }

  ServiceTestServer server;
  ServiceTestClient client{server};
  std::vector<KeyId> ids;
};

TEST_F(PolicyResults, OneRequestShowsEachKeyAsPolicySays) {
  std::vector<Bytes> items;
  for (const char* key : {"shown", "masked", "nulled", "sealed", "hidden"})
    items.push_back(seal(key, "123-45-6789"));
  auto answer = read(items);
  EXPECT_EQ(answer.statuses, (std::vector<std::uint16_t>{kValue, kMasked, kNull, kCiphertext,
                                                         status_of(Code::denied)}));
  ASSERT_EQ(answer.items.size(), 5u);
  EXPECT_EQ(answer.items[0], bytes_of("123-45-6789"));
  EXPECT_EQ(answer.items[1], bytes_of("***-**-6789"));
  EXPECT_TRUE(answer.items[2].empty());
  EXPECT_EQ(answer.items[3], items[3]);
  EXPECT_TRUE(answer.items[4].empty());
  std::vector<std::string> verdicts;
  for (const auto& record : records("decrypt")) verdicts.push_back(record.verdict);
  EXPECT_EQ(verdicts, (std::vector<std::string>{"value", "masked", "null", "ciphertext", "deny"}));
}

TEST_F(PolicyResults, AMaskVouchesForNothingThatWasChanged) {
  Bytes good = seal("masked", "123-45-6789");
  Bytes changed = good;
  changed.back() ^= 1;
  Bytes no_text = seal("masked", "\xff\xfe");
  auto answer = read({changed, no_text, good});
  EXPECT_EQ(answer.statuses,
            (std::vector<std::uint16_t>{status_of(Code::authentication_failed),
                                        status_of(Code::value_not_text), kMasked}));
  EXPECT_TRUE(answer.items.at(0).empty());
  EXPECT_TRUE(answer.items.at(1).empty());
  EXPECT_EQ(records("decrypt").at(0).failed_items, 2u);
}

TEST_F(PolicyResults, WhatIsNotShownNeedsNoKey) {
  std::vector<Bytes> items;
  for (std::size_t key : {2u, 3u}) {
    items.emplace_back(64);  // of a salt that nobody ever drew
    write_gcm_header(items.back().data(), {ids[key], 1}, {7}, 0);
  }
  HeldHsm held(server.hsm());
  auto answer = read(items);
  EXPECT_EQ(answer.statuses, (std::vector<std::uint16_t>{kNull, kCiphertext}));
}

TEST_F(PolicyResults, MaskedValuesAreNotWrittenBack) {
  client.ask(2, Action::encrypt, "masked", {bytes_of("***-**-6789"), bytes_of("123-45-6789")});
  EXPECT_EQ(client.answer().statuses,
            (std::vector<std::uint16_t>{status_of(Code::value_masked), kValue}));
  client.ask(1, Action::encrypt, "masked", {bytes_of("***-**-6789")});
  EXPECT_EQ(client.answer().statuses.at(0), kValue) << "alice sees no masks";
  client.ask(2, Action::encrypt, "shown", {bytes_of("***-**-6789")});
  EXPECT_EQ(client.answer().statuses.at(0), kValue) << "nor does anybody of this key";
  std::string as_text = "\\x" + to_hex(seal("sealed", "x"));
  client.ask(2, Action::encrypt, "sealed", {bytes_of(as_text), bytes_of("\\x00")});
  EXPECT_EQ(client.answer().statuses,
            (std::vector<std::uint16_t>{status_of(Code::already_encrypted), kValue}));
}

TEST_F(PolicyResults, RewrappingIsNoReading) {
  client.ask(2, Action::rewrap, "", {seal("masked", "123-45-6789")});
  auto answer = client.answer();
  EXPECT_EQ(answer.statuses.at(0), kValue);
  client.ask(1, Action::decrypt, "", answer.items);
  EXPECT_EQ(client.answer().items.at(0), bytes_of("123-45-6789"));
}

class PolicyLimits : public PolicyResults {
 protected:
  PolicyLimits()
      : PolicyResults(rule("shown", "value", "limits = [\"5 per hour\"]\n") +
                      rule("masked", "mask(last=4)", "limits = [\"3 per hour\"]\n") + R"([[rule]]
name = "carol-signs"
roles = ["carol"]
keys = ["sig"]
actions = ["sign"]
result = "value"
limits = ["200 per hour"]
)") {}
};

TEST_F(PolicyLimits, CountItemsAndFailedOnes) {
  Bytes good = seal("shown", "a"), bad = good;
  bad.back() ^= 1;
  EXPECT_EQ(read({bad, good, bad}).statuses.at(1), kValue);
  auto refused = read({good, good, good});
  EXPECT_EQ(refused.code(), Code::limit_exceeded);
  EXPECT_GT(refused.retry_after_ms, 3'000'000u);
  EXPECT_EQ(refused.error->message.find("bob-shown"), std::string::npos) << "names no rule";
  EXPECT_EQ(read({good, good}).statuses.size(), 2u) << "up to the limit exactly";
  EXPECT_EQ(read({good}).code(), Code::limit_exceeded);
  auto too_many = read(std::vector<Bytes>(6, good));
  EXPECT_EQ(too_many.code(), Code::limit_exceeded);
  EXPECT_EQ(too_many.retry_after_ms, 0u) << "it never passes";
  auto record = records("decrypt").at(1);
  EXPECT_EQ(record.verdict, "deny");
  EXPECT_EQ(record.reason, "limit_exceeded");
  EXPECT_EQ(record.rule, "bob-shown");
  EXPECT_EQ(record.failed_items, 3u);
}

TEST_F(PolicyLimits, TakeAllOfARequestOrNothing) {
  Bytes shown = seal("shown", "a"), masked = seal("masked", "abcdefgh");
  auto refused = read({shown, masked, masked, masked, masked, shown});
  EXPECT_EQ(refused.code(), Code::limit_exceeded);
  EXPECT_TRUE(refused.items.empty());
  EXPECT_EQ(read(std::vector<Bytes>(5, shown)).statuses.size(), 5u) << "nothing was taken";
  EXPECT_EQ(read(std::vector<Bytes>(3, masked)).statuses.size(), 3u);
}

TEST_F(PolicyLimits, HoldAcrossConnections) {
  Bytes good = seal("shown", "a");
  EXPECT_EQ(read(std::vector<Bytes>(5, good)).statuses.size(), 5u);
  ServiceTestClient other(server);
  other.open(1, "bob");
  other.ask(1, Action::decrypt, "", {good});
  EXPECT_EQ(other.answer().code(), Code::limit_exceeded);
}

// The HSM signs in several rounds; each asks policy again.
TEST_F(PolicyLimits, ARequestThatWaitsForTheHsmIsCountedOnce) {
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  client.open(3, "carol");
  client.ask(3, Action::sign, "sig", std::vector<Bytes>(199, bytes_of("m")));
  EXPECT_EQ(client.answer().items.size(), 199u);
  client.ask(3, Action::sign, "sig", {bytes_of("m"), bytes_of("m")});
  EXPECT_EQ(client.answer().code(), Code::limit_exceeded);
  client.ask(3, Action::sign, "sig", {bytes_of("m")});
  EXPECT_EQ(client.answer().items.size(), 1u);
}

TEST_F(PolicyResults, ADecisionEndsWithItsTimeOnOpenConnections) {
  std::time_t end = std::time(nullptr) + 2;
  char written[32];
  std::strftime(written, sizeof written, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&end));
  server.apply(policy_with(rule("shown", "value", std::string("not_after = ") + written + "\n")));
  Bytes sealed = seal("shown", "a");
  std::uint16_t status = kValue;
  for (auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       status == kValue && std::chrono::steady_clock::now() < give_up;) {
    auto answer = read({sealed});
    status = answer.error ? status_of(answer.code()) : answer.statuses.at(0);
  }
  EXPECT_EQ(status, status_of(Code::denied));
  EXPECT_GE(std::chrono::system_clock::now(), std::chrono::system_clock::from_time_t(end));
}

TEST_F(PolicyResults, RulesSeeWhereDeviceAndClientAre) {
  server.apply(
      policy_with(rule("shown", "value",
                       "networks = [\"127.0.0.0/8\"]\nclient_networks = [\"192.0.2.0/24\"]\n") +
                  rule("masked", "value", "networks = [\"198.51.100.0/24\"]\n")));
  wire::OpenContext open;
  open.role.database = "db";
  open.role.effective_role = open.role.session_role = open.role.login_role = "bob";
  open.program.emplace().name = "postgres";
  open.program->executable = "/usr/lib/postgresql/15/bin/postgres";
  for (auto [context, address] : {std::pair{7u, "192.0.2.9"}, {8u, "203.0.113.9"}, {9u, ""}}) {
    open.context = context;
    open.role.client_address = address;
    client.open(open);
  }
  Bytes sealed = seal("shown", "a");
  client.ask(7, Action::decrypt, "", {sealed, seal("masked", "b")});
  EXPECT_EQ(client.answer().statuses,
            (std::vector<std::uint16_t>{kValue, status_of(Code::denied)}));
  for (std::uint32_t context : {8u, 9u}) {
    client.ask(context, Action::decrypt, "", {sealed});
    EXPECT_EQ(client.answer().code(), Code::denied);
  }
}

TEST(Addresses, LoseTheirPort) {
  EXPECT_EQ(operations::address_without_port("192.0.2.1:50312"), "192.0.2.1");
  EXPECT_EQ(operations::address_without_port("[2001:db8::1]:50312"), "2001:db8::1");
  EXPECT_EQ(operations::address_without_port("unknown"), "");
  EXPECT_EQ(operations::address_without_port(""), "");
}

// What waits for the HSM was decided before; it is decided again.
TEST_F(PolicyResults, RequestsThatWaitForTheHsmLearnOfARevocation) {
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  HeldHsm held(server.hsm());
  client.ask(2, Action::sign, "sig", {bytes_of("m")});
  client.round_trip();
  server.apply(testing::kPolicyText);
  held.release();
  EXPECT_EQ(client.answer().code(), Code::denied);
}

TEST_F(PolicyResults, RequestsThatWaitForTheHsmAreNotAnsweredToARemovedDevice) {
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  HeldHsm held(server.hsm());
  client.ask(2, Action::sign, "sig", {bytes_of("m")});
  client.round_trip();
  server.set_devices({{"db1", "aa", true}});
  held.release();
  EXPECT_EQ(client.answer().code(), Code::device_unknown);
  // The connection is gone, what the HSM has done for it is not: its record comes when it ends.
  std::vector<audit::StoredRecord> found;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((found = records("sign")).empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].reason, "device_unknown");
}

}  // namespace
}  // namespace nae::nae1
