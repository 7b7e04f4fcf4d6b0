// Keys named with a version, and search tokens: what deterministic columns ask of the key server.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/base/clock.hpp"

namespace nae::nae1 {
namespace {

using keys::State;
using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

constexpr std::uint8_t kToken = 1;

std::string rule(const std::string& role, const std::string& action, const std::string& result,
                 const std::string& more = {}) {
  return "[[rule]]\nname = \"" + role + "-" + action + "\"\nroles = [\"" + role +
         "\"]\nkeys = [\"det\"]\nactions = [\"" + action + "\"]\nresult = \"" + result + "\"\n" +
         more;
}

// Alice may do everything, each of the others one thing.
std::string policy_text() {
  return testing::kPolicyText + rule("reader", "decrypt", "value") +
         rule("writer", "encrypt", "value") + rule("masked", "decrypt", "mask(last=4)") +
         rule("nulled", "decrypt", "null") + rule("sealed", "decrypt", "ciphertext") +
         rule("mover", "rewrap", "value") +
         rule("few", "decrypt", "value", "limits = [\"2 per hour\"]\n");
}

class DeterministicColumns : public ::testing::Test {
 protected:
  DeterministicColumns() {
    server.apply(policy_text());
    must(server.ring().create("det", KeyType::aes_256_siv));
    must(server.ring().create("pii", KeyType::aes_256_gcm));
  }
  testing::Answer ask(const std::string& role, std::string_view key, std::uint8_t form,
                      const std::vector<Bytes>& values = {bytes_of("4111")},
                      Action action = Action::encrypt) {
    client.open(1, role);
    client.ask(1, action, key, values, {}, form);
    return client.answer();
  }
  Bytes encrypted(std::string_view key) { return ask("alice", key, 0).items.at(0); }
  Bytes token(const std::string& role, std::string_view key) {
    return ask(role, key, kToken).items.at(0);
  }
  std::uint16_t version_in(std::string_view key) {
    return must(parse_envelope(encrypted(key))).key.version;
  }
  audit::StoredRecord last_record() { return server.records().back(); }

  ServiceTestServer server;
  ServiceTestClient client{server};
};

using KeyReference = DeterministicColumns;
using SearchToken = DeterministicColumns;

TEST_F(KeyReference, NamesAnActiveVersion) {
  for (const char* key : {"det", "pii"}) {
    must(server.ring().rotate(key));
    EXPECT_EQ(version_in(key), 2);
    EXPECT_EQ(version_in(std::string(key) + ":1"), 1);
    EXPECT_EQ(last_record().key, key) << "recorded without the version";
    EXPECT_EQ(last_record().key_version, 1);
    EXPECT_EQ(version_in(std::string(key) + ":2"), 2);
  }
  EXPECT_EQ(server.ring().find("det")->version(1)->usage->now().uses, 1);
}

TEST_F(KeyReference, NamesAVersionOfAnHsmOnlyKey) {
  must(server.ring().create(
      {.name = "inside", .type = KeyType::aes_256_gcm, .protection = keys::Protection::hsm_only}));
  must(server.ring().rotate("inside"));
  EXPECT_EQ(version_in("inside:1"), 1);
  EXPECT_EQ(version_in("inside"), 2);
}

TEST_F(KeyReference, RefusesWhatIsNoVersion) {
  for (const char* version :
       {"", "0", "01", "+1", "-1", " 1", "1 ", "1x", "0x1", "65536", "99999999999", "1:1", "1.0"}) {
    auto answer = ask("alice", std::string("det:") + version, 0);
    EXPECT_EQ(answer.code(), Code::invalid_argument) << version;
  }
  EXPECT_EQ(last_record().key, "det");
  EXPECT_EQ(last_record().reason, "invalid_argument");
  EXPECT_EQ(ask("alice", ":1", 0).code(), Code::invalid_argument);
}

TEST_F(KeyReference, RefusesVersionsThatAreNotThereOrMayNotEncrypt) {
  must(server.ring().rotate("det"));
  for (const char* version : {"3", "65535"}) {
    auto answer = ask("alice", std::string("det:") + version, 0);
    ASSERT_EQ(answer.code(), Code::key_state);
    EXPECT_EQ(answer.error->message, std::string("key \"det\" has no version ") + version);
  }
  EXPECT_EQ(ask("alice", "none:1", 0).code(), Code::key_unknown);
  must(server.ring().set_state("det", 1, State::restricted));
  auto answer = ask("alice", "det:1", 0);
  ASSERT_EQ(answer.code(), Code::key_state);
  EXPECT_EQ(answer.error->message,
            "version 1 of key \"det\" is restricted, which does not allow encrypt");
  must(server.ring().set_state("det", 1, State::retired));
  EXPECT_EQ(ask("alice", "det:1", 0).code(), Code::key_state);
  EXPECT_EQ(version_in("det"), 2) << "the primary one goes on";
}

TEST_F(KeyReference, IsPolicysMatterByTheNameAlone) {
  EXPECT_EQ(ask("writer", "det:1", 0).code(), Code{}) << "the rule's pattern is no glob";
  auto denied = ask("reader", "det:1", 0);
  ASSERT_EQ(denied.code(), Code::denied);
  EXPECT_EQ(denied.error->message, "role \"reader\" may not encrypt with key \"det\"");
  EXPECT_EQ(ask("reader", "det:9", 0).code(), Code::denied) << "learns of no version";
}

// What is read names its version itself.
TEST_F(KeyReference, IsOfActionsThatWrite) {
  const Bytes stored = encrypted("det");
  for (const Action reading : {Action::decrypt, Action::rewrap}) {
    EXPECT_EQ(ask("alice", "det:1", 0, {stored}, reading).code(), Code::key_unknown);
    EXPECT_EQ(ask("alice", "det", 0, {stored}, reading).code(), Code{});
  }
}

TEST_F(SearchToken, IsTheStoredValueToWritersAndReaders) {
  const Bytes stored = encrypted("det");
  for (const char* role : {"alice", "writer", "reader"}) EXPECT_EQ(token(role, "det"), stored);
  EXPECT_EQ(last_record().action, "search");
  EXPECT_EQ(last_record().rule, "reader-decrypt");
  EXPECT_EQ(last_record().key_version, 1);
  const auto count = server.ring().find("det")->version(1)->usage->now();
  EXPECT_EQ(std::pair(count.uses, count.reads), std::pair(std::int64_t{1}, std::int64_t{3}));
}

TEST_F(SearchToken, BindsAssociatedDataAsEncryptDoes) {
  client.open(1, "reader");
  const Bytes value = bytes_of("4111"), one = bytes_of("one"), other = bytes_of("other");
  std::vector<Bytes> tokens;
  for (const Bytes& aad : {one, other, one}) {
    const ByteView items[] = {value}, aads[] = {aad};
    must(client.session().crypto({{1, Action::encrypt, kToken, "det", 0}, items, {}, aads}));
    tokens.push_back(client.answer().items.at(0));
  }
  EXPECT_EQ(tokens[0], tokens[2]);
  EXPECT_NE(tokens[0], tokens[1]);
}

TEST_F(SearchToken, IsDeniedToWhoDoesNotSeeValues) {
  for (const char* role : {"masked", "nulled", "sealed", "mover", "nobody"}) {
    auto answer = ask(role, "det", kToken);
    ASSERT_EQ(answer.code(), Code::denied) << role;
    EXPECT_EQ(answer.error->message,
              std::string("role \"") + role + "\" may not search with key \"det\"");
    EXPECT_EQ(last_record().action, "search");
    EXPECT_EQ(last_record().verdict, "deny");
    EXPECT_EQ(last_record().reason, "no_rule");
  }
  EXPECT_EQ(ask("reader", "other", kToken).code(), Code::denied) << "exists or not";
}

TEST_F(SearchToken, NeedsADeterministicKeyAndAKnownForm) {
  auto answer = ask("alice", "pii", kToken);
  ASSERT_EQ(answer.code(), Code::key_type);
  EXPECT_EQ(answer.error->message, "key \"pii\" is of type aes-256-gcm, which does not search");
  for (const char* key : {"det", "pii"})
    for (std::uint8_t form : {2, 255})
      EXPECT_EQ(ask("alice", key, form).code(), Code::unsupported) << int{form};
  EXPECT_EQ(last_record().action, "encrypt");
  EXPECT_EQ(ask("reader", "det", 2).code(), Code::denied) << "an unknown form asks as encrypt";
}

TEST_F(SearchToken, FollowsRestrictedVersionsAndNoFurther) {
  const Bytes stored = encrypted("det");
  must(server.ring().rotate("det"));
  must(server.ring().set_state("det", 1, State::restricted));
  EXPECT_EQ(token("reader", "det:1"), stored);
  EXPECT_EQ(token("writer", "det:1"), stored);
  EXPECT_EQ(ask("writer", "det:1", 0).code(), Code::key_state) << "nothing new is written";
  EXPECT_NE(token("reader", "det"), stored) << "of the primary version";
  must(server.ring().set_state("det", 1, State::retired));
  auto answer = ask("reader", "det:1", kToken);
  ASSERT_EQ(answer.code(), Code::key_state);
  EXPECT_EQ(answer.error->message,
            "version 1 of key \"det\" is retired, which does not allow search");
  must(server.ring().rotate("det", unix_time_us() + 3'600'000'000));
  EXPECT_EQ(ask("reader", "det:3", kToken).code(), Code::key_state) << "pre-active";
}

// What the key forbids to everybody permits nobody's search.
TEST_F(SearchToken, NeedsAnActionThatTheKeyAllows) {
  must(server.ring().set_attributes("det", {.actions = {Action::encrypt}}));
  EXPECT_EQ(ask("writer", "det", kToken).code(), Code{});
  EXPECT_EQ(ask("reader", "det", kToken).code(), Code::key_attribute);
  must(server.ring().set_attributes("det", {.actions = {Action::decrypt}}));
  EXPECT_EQ(ask("writer", "det", kToken).code(), Code::key_attribute);
  EXPECT_EQ(ask("alice", "det", kToken).code(), Code{}) << "by the other action";
  must(server.ring().set_attributes("det", {.actions = {Action::rewrap}}));
  EXPECT_EQ(ask("alice", "det", kToken).code(), Code::key_attribute);
}

TEST_F(SearchToken, IsChargedToTheRuleThatGrantedIt) {
  EXPECT_EQ(ask("few", "det", kToken, {bytes_of("a"), bytes_of("b")}).items.size(), 2u);
  auto refused = ask("few", "det", kToken);
  ASSERT_EQ(refused.code(), Code::limit_exceeded);
  EXPECT_TRUE(refused.error->message.starts_with("the limit of search with key \"det\""));
  EXPECT_EQ(last_record().rule, "few-decrypt");
  const Bytes stored = encrypted("det");
  client.open(1, "few");
  client.ask(1, Action::decrypt, "", {stored});
  EXPECT_EQ(client.answer().code(), Code::limit_exceeded) << "one budget with what it stands for";
}

// A search for a masked form or an envelope finds nothing; it is no writing back.
TEST_F(SearchToken, IsMadeOfAnyValue) {
  server.apply(policy_text() + rule("clerk", "encrypt", "value") +
               rule("clerk", "decrypt", "mask(last=4)"));
  const std::vector<Bytes> values = {bytes_of("****6789"), encrypted("det")};
  const auto written = ask("clerk", "det", 0, values).statuses;
  EXPECT_EQ(written, (std::vector{static_cast<std::uint16_t>(Code::value_masked),
                                  static_cast<std::uint16_t>(Code::already_encrypted)}));
  EXPECT_EQ(ask("clerk", "det", kToken, values).statuses, (std::vector<std::uint16_t>{0, 0}));
}

TEST_F(SearchToken, WithoutAContextIsRecordedAsOne) {
  client.ask(9, Action::encrypt, "det:1", {bytes_of("4111")}, {}, kToken);
  EXPECT_EQ(client.answer().code(), Code::context_unknown);
  EXPECT_EQ(last_record().action, "search");
  EXPECT_EQ(last_record().key, "det");
}

}  // namespace
}  // namespace nae::nae1
