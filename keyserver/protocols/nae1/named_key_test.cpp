// decrypt and rewrap that name a key: its own envelopes are opened and no others, whoever may read
// those.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/base/text.hpp"

namespace nae::nae1 {
namespace {

using testing::Answer;
using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

constexpr std::uint16_t kValue = 0;
constexpr auto kForeign = static_cast<std::uint16_t>(Code::envelope_foreign);
constexpr auto kUnreadable = static_cast<std::uint16_t>(Code::envelope_malformed);

// Bob may read "pii" alone.
constexpr char kBob[] = R"(
[[rule]]
name = "bob-reads"
roles = ["bob"]
keys = ["pii"]
actions = ["decrypt", "rewrap"]
result = "value"
[[rule]]
name = "bob-reads-what-is-not-there"
roles = ["bob"]
keys = ["gone"]
actions = ["decrypt", "rewrap"]
result = "value"
)";

class NamedKeyIds : public ::testing::Test {
 protected:
  NamedKeyIds() {
    server.apply(std::string(testing::kPolicyText) + kBob);
    for (const char* name : {"pii", "other"})
      must(server.ring().create(name, KeyType::aes_256_gcm));
    must(server.ring().create("siv", KeyType::aes_256_siv));
    client.open(1, "alice");
    client.open(2, "bob");
  }
  Bytes seal(std::string_view key) {
    client.ask(1, Action::encrypt, key, {bytes_of("value")});
    return client.answer().items.at(0);
  }

  ServiceTestServer server;
  ServiceTestClient client{server};
};

class NamedKey : public NamedKeyIds, public ::testing::WithParamInterface<Action> {
 protected:
  Answer open(std::string_view key, const std::vector<Bytes>& items, std::uint32_t context = 1) {
    client.ask(context, GetParam(), key, items);
    return client.answer();
  }
  std::vector<audit::StoredRecord> records() const {
    audit::Filter filter;
    filter.action = name(GetParam());
    return server.records(filter);
  }
};

INSTANTIATE_TEST_SUITE_P(Actions, NamedKey, ::testing::Values(Action::decrypt, Action::rewrap));

TEST_P(NamedKey, OpensItsOwnEnvelopesAlone) {
  const Bytes pii = seal("pii"), other = seal("other"), siv = seal("siv");
  Bytes invented = pii;
  invented[3] ^= 1;
  auto answer = open("pii", {pii, other, siv, invented, bytes_of("no envelope"), pii});
  EXPECT_EQ(answer.statuses, (std::vector<std::uint16_t>{kValue, kForeign, kForeign, kForeign,
                                                         kUnreadable, kValue}));
  for (std::size_t item : {1u, 2u, 3u}) EXPECT_TRUE(answer.items.at(item).empty());
}

TEST_P(NamedKey, OneForeignEnvelopeIsExplained) {
  EXPECT_EQ(open("pii", {seal("other")}).code(), Code::envelope_foreign);
  EXPECT_EQ(open("siv", {seal("pii")}).code(), Code::envelope_foreign);
}

// The log says whose envelopes were tried, and never the name that the asker wrote beside them.
TEST_P(NamedKey, IsNotRecordedInPlaceOfTheEnvelopesKey) {
  Bytes invented = seal("pii");
  invented[3] ^= 1;
  open("pii", {seal("other")});
  open("pii", {invented});
  open("pii", {bytes_of("no envelope")});
  auto seen = records();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].key, "other");
  EXPECT_EQ(seen[1].key, "");
  EXPECT_EQ(seen[2].key, "");
  EXPECT_EQ(seen[0].reason, "envelope_foreign");
  EXPECT_EQ(seen[0].verdict, "deny");
}

TEST_P(NamedKey, PolicyIsAskedBeforeTheKeyIsLookedFor) {
  const Bytes pii = seal("pii"), other = seal("other");
  EXPECT_EQ(open("pii", {pii}, 2).statuses, std::vector<std::uint16_t>{kValue});
  // Whether there is such a key, and whether the envelope is one of it, is not for bob to learn.
  EXPECT_EQ(open("other", {other}, 2).code(), Code::denied);
  EXPECT_EQ(open("other", {pii}, 2).code(), Code::denied);
  EXPECT_EQ(open("nothing", {pii}, 2).code(), Code::denied);
  EXPECT_EQ(open("pii:1", {pii}, 2).code(), Code::denied);
  EXPECT_EQ(open("gone", {pii}, 2).code(), Code::key_unknown);
  EXPECT_EQ(open("pii", {other}, 2).code(), Code::envelope_foreign);
}

TEST_P(NamedKey, WithoutANameTheEnvelopesSpeakForThemselves) {
  EXPECT_EQ(open("", {seal("pii"), seal("other")}).statuses,
            (std::vector<std::uint16_t>{kValue, kValue}));
}

TEST_P(NamedKey, WhatTheHsmOpensIsComparedToo) {
  must(server.ring().create(
      {.name = "hsm", .type = KeyType::aes_256_gcm, .protection = keys::Protection::hsm_only}));
  const Bytes hsm = seal("hsm"), pii = seal("pii");
  EXPECT_EQ(open("hsm", {hsm, pii, hsm}).statuses,
            (std::vector<std::uint16_t>{kValue, kForeign, kValue}));
  EXPECT_EQ(open("pii", {hsm, pii}).statuses, (std::vector<std::uint16_t>{kForeign, kValue}));
}

// What a database compares ciphertexts with that it is given: the ids of keys that the role may
// use.
TEST_F(NamedKeyIds, AreThoseOfKeysThatTheContextMayUse) {
  Bytes pii = seal("pii");
  auto ids_for = [&](std::uint32_t context) {
    client.session().lookup({context, wire::LookupSubject::key_ids});
    return must(wire::parse_lookup_reply(client.frame().body));
  };
  Table bobs = ids_for(2);
  EXPECT_EQ(bobs.columns, (std::vector<std::string>{"name", "id"}));
  ASSERT_EQ(bobs.rows.size(), 1u);
  EXPECT_EQ(bobs.rows[0][0], "pii");
  EXPECT_EQ(bobs.rows[0][1], to_hex(must(parse_envelope(pii)).key.key.bytes));
  EXPECT_EQ(ids_for(1).rows.size(), 3u);
  client.open(3, "stranger");
  EXPECT_EQ(ids_for(3).rows.size(), 0u);
}

TEST_F(NamedKeyIds, ALookupOfALaterTimeEndsNoConnection) {
  client.session().lookup({1, static_cast<wire::LookupSubject>(15)});
  auto error = client::as_error(client.frame());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error.code, Code::unsupported);
  EXPECT_FALSE(seal("pii").empty());
}

}  // namespace
}  // namespace nae::nae1
