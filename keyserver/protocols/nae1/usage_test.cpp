// What keys allow, how their uses are counted, and requests that need more keys than memory holds.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"

namespace nae::nae1 {
namespace {

using testing::Answer;
using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

operations::Settings few_keys() {
  operations::Settings settings;
  settings.max_working_keys_per_request = 4;
  return settings;
}

Bytes encrypted(ServiceTestClient& client, std::string_view key, std::string_view value) {
  client.ask(1, Action::encrypt, key, {bytes_of(value)});
  return client.answer().items.at(0);
}

TEST(KeyAttributes, RefuseWhatTheKeyDoesNotAllow) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  ServiceTestClient client(server);
  client.open(1, "alice");
  const Bytes sealed = encrypted(client, "pii", "value");
  must(server.ring().set_attributes("pii", {.actions = {Action::encrypt}}));
  client.ask(1, Action::decrypt, "", {sealed});
  EXPECT_EQ(client.answer().code(), Code::key_attribute);
  client.ask(1, Action::rewrap, "", {sealed});
  EXPECT_EQ(client.answer().code(), Code::key_attribute);
  client.ask(1, Action::encrypt, "pii", {bytes_of("value")});
  EXPECT_EQ(client.answer().code(), Code{});
  must(server.ring().set_attributes("sig", {.actions = {Action::verify}}));
  client.ask(1, Action::sign, "sig", {bytes_of("message")});
  EXPECT_EQ(client.answer().code(), Code::key_attribute);
  EXPECT_EQ(server.records().back().reason, "key_attribute");
}

TEST(KeyAttributes, BoundTheAlgorithms) {
  ServiceTestServer server;
  must(server.ring().create("sig", KeyType::rsa_2048));
  must(server.ring().set_attributes("sig", {.algorithms = {SignatureScheme::rsa_pss_sha512}}));
  ServiceTestClient client(server);
  client.open(1, "alice");
  auto scheme = [](SignatureScheme s) { return static_cast<std::uint8_t>(s); };
  client.ask(1, Action::sign, "sig", {bytes_of("m")}, {}, scheme(SignatureScheme::rsa_pss_sha256));
  EXPECT_EQ(client.answer().code(), Code::key_attribute);
  client.ask(1, Action::sign, "sig", {bytes_of("m")});
  const Bytes signature = client.answer().items.at(0);
  EXPECT_EQ(signature.at(0), scheme(SignatureScheme::rsa_pss_sha512)) << "the first allowed one";
  must(server.ring().set_attributes("sig", {.algorithms = {SignatureScheme::rsa_pss_sha256}}));
  client.ask(1, Action::verify, "sig", {bytes_of("m")}, {signature});
  EXPECT_EQ(client.answer().statuses.at(0), static_cast<std::uint16_t>(Code::key_attribute));
}

// What envelope.md says that a writer MUST NOT pass.
TEST(Usage, EndsWhereTheAlgorithmDoes) {
  struct Case {
    const char* key;
    KeyType type;
    keys::Protection protection;
    std::int64_t most;
  };
  ServiceTestServer server;
  ServiceTestClient client(server);
  client.open(1, "alice");
  for (const Case& c :
       {Case{"gcm", KeyType::aes_256_gcm, keys::Protection::wrapped, std::int64_t{1} << 48},
        Case{"siv", KeyType::aes_256_siv, keys::Protection::wrapped, std::int64_t{1} << 48},
        Case{"hsm", KeyType::aes_256_gcm, keys::Protection::hsm_only, 4'000'000'000}}) {
    must(server.ring().create({c.key, c.type, {}, c.protection}));
    const Bytes old = encrypted(client, c.key, "value");
    const auto version = server.ring().find(c.key)->versions.back();
    server.ring().usage().add_uses(version.usage, static_cast<std::uint64_t>(c.most) - 3, 1);
    client.ask(1, Action::encrypt, c.key, {bytes_of("1"), bytes_of("2"), bytes_of("3")});
    Answer refused = client.answer();
    EXPECT_EQ(refused.code(), Code::key_exhausted) << c.key << ": two are left";
    client.ask(1, Action::encrypt, c.key, {bytes_of("1"), bytes_of("2")});
    EXPECT_EQ(client.answer().code(), Code{}) << c.key;
    client.ask(1, Action::encrypt, c.key, {bytes_of("1")});
    refused = client.answer();
    EXPECT_EQ(refused.code(), Code::key_exhausted) << c.key;
    EXPECT_NE(refused.error->hint.find("nae key rotate"), std::string::npos);
    EXPECT_EQ(server.records().back().reason, "key_exhausted");
    client.ask(1, Action::rewrap, "", {old});
    EXPECT_EQ(client.answer().statuses.at(0), static_cast<std::uint16_t>(Code::key_exhausted));
    client.ask(1, Action::decrypt, "", {old});
    EXPECT_EQ(client.answer().statuses.at(0), 0) << "reading goes on";
    must(server.ring().rotate(c.key));
    EXPECT_EQ(encrypted(client, c.key, "value").at(8), 2) << "and so does the next version";
  }
}

TEST(Usage, CountsValuesByVersion) {
  ServiceTestServer server;
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  must(server.ring().create("index", KeyType::hmac_sha_256));
  ServiceTestClient client(server);
  client.open(1, "alice");
  const Bytes first = encrypted(client, "pii", "value");
  must(server.ring().rotate("pii"));
  Bytes broken = first;
  broken.back() ^= 1;
  client.ask(1, Action::decrypt, "", {first, first, broken});
  (void)client.answer();
  client.ask(1, Action::rewrap, "", {first, first});
  (void)client.answer();
  client.ask(1, Action::mac, "index", {bytes_of("a"), bytes_of("b")});
  const auto codes = client.answer().items;
  must(server.ring().rotate("index"));
  client.ask(1, Action::mac_verify, "index", {bytes_of("a"), bytes_of("b")}, codes);
  (void)client.answer();
  auto counts = [&](std::string_view key, std::uint16_t version) {
    const auto count = server.ring().find(key)->version(version)->usage->now();
    return std::pair(count.uses, count.reads);
  };
  EXPECT_EQ(counts("pii", 1), std::pair(std::int64_t{1}, std::int64_t{4}));
  EXPECT_EQ(counts("pii", 2), std::pair(std::int64_t{2}, std::int64_t{0}));
  EXPECT_EQ(counts("index", 1), std::pair(std::int64_t{2}, std::int64_t{2}));
  EXPECT_EQ(counts("index", 2), std::pair(std::int64_t{0}, std::int64_t{0}));
}

TEST(ManyKeys, AreReadInParts) {
  ServiceTestServer server({}, few_keys());
  for (const char* key : {"pii", "det"})
    must(server.ring().create(key, key[0] == 'p' ? KeyType::aes_256_gcm : KeyType::aes_256_siv));
  ServiceTestClient client(server);
  client.open(1, "alice");
  std::vector<Bytes> sealed, plain;
  for (int version = 1; version <= 15; ++version)
    for (const char* key : {"pii", "det"}) {
      if (version > 1) must(server.ring().rotate(key));
      plain.push_back(bytes_of(std::string(key) + std::to_string(version)));
      sealed.push_back(encrypted(client, key, as_text(plain.back())));
    }
  server.forget_working_keys();
  Bytes broken = sealed[7];
  broken.back() ^= 1;
  sealed.push_back(broken);
  sealed.push_back(bytes_of("no envelope"));
  client.ask(1, Action::decrypt, "", sealed);
  auto answer = client.answer();
  ASSERT_EQ(answer.items.size(), 32u) << answer.error->message;
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(answer.items[i], plain[i]) << i;
  EXPECT_EQ(answer.statuses[30], static_cast<std::uint16_t>(Code::authentication_failed));
  EXPECT_EQ(answer.statuses[31], static_cast<std::uint16_t>(Code::envelope_malformed));

  server.forget_working_keys();
  sealed.resize(30);
  client.ask(1, Action::rewrap, "", sealed);
  const auto moved = client.answer().items;
  ASSERT_EQ(moved.size(), 30u);
  for (const Bytes& value : moved) EXPECT_EQ(must(parse_envelope(value)).key.version, 15);
  client.ask(1, Action::decrypt, "", moved);
  answer = client.answer();
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(answer.items[i], plain[i]) << i;
}

TEST(ManyKeys, WhatWasOpenedDoesNotLeaveWhenItsKeyForbidsItMeanwhile) {
  ServiceTestServer server({}, few_keys());
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  ServiceTestClient client(server);
  client.open(1, "alice");
  std::vector<Bytes> sealed;
  for (int version = 1; version <= 9; ++version) {
    if (version > 1) must(server.ring().rotate("pii"));
    sealed.push_back(encrypted(client, "pii", "value"));
  }
  server.forget_working_keys();
  testing::HeldHsm held(server.hsm());
  client.ask(1, Action::decrypt, "", sealed);
  client.round_trip();
  // Without the HSM, which is held: retiring would wait for it.
  must(server.ring().set_attributes("pii", {.actions = {Action::encrypt}}));
  held.release();
  auto answer = client.answer();
  ASSERT_EQ(answer.statuses.size(), 9u);
  for (auto status : answer.statuses)
    EXPECT_EQ(status, static_cast<std::uint16_t>(Code::key_attribute));
}

}  // namespace
}  // namespace nae::nae1
