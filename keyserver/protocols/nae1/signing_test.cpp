// What programs beside a database need of keys that sign: digests in the place of messages,
// versions by number, and the list of objects.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/base/signature_form.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::nae1::testing {
namespace {

constexpr std::uint16_t kOk = 0;
constexpr auto kBad = static_cast<std::uint16_t>(Code::invalid_argument);

constexpr std::uint8_t of_digest(SignatureScheme scheme) {
  return wire_number({scheme, true});
}

audit::Filter of_action(std::string action) {
  audit::Filter filter;
  filter.action = std::move(action);
  return filter;
}

class SigningTest : public ::testing::Test {
 protected:
  SigningTest() { client.open(1, "alice"); }
  Answer ask(Action action, std::string_view key, const std::vector<Bytes>& items,
             std::uint8_t algorithm, const std::vector<Bytes>& seconds = {}) {
    client.ask(1, action, key, items, seconds, algorithm);
    return client.answer();
  }
  Bytes public_key(const std::string& name, std::uint16_t version) {
    return server.ring().find(name)->version(version)->material.public_key;
  }
  Table objects(std::uint32_t context) {
    client.session().lookup({context, wire::LookupSubject::objects});
    return must(wire::parse_lookup_reply(client.frame().body));
  }
  ServiceTestServer server;
  ServiceTestClient client{server};
};

TEST_F(SigningTest, ADigestIsSignedAsItsMessage) {
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  must(server.ring().create("web", KeyType::rsa_2048));
  const auto key_of = [&](const std::string& name) {
    return must(crypto::PublicKey::from_der(public_key(name, 1)));
  };
  for (const auto& [name, scheme] : {std::pair("sig", SignatureScheme::ecdsa_p256_sha256),
                                     std::pair("web", SignatureScheme::rsa_pss_sha384),
                                     std::pair("web", SignatureScheme::rsa_pkcs1_sha512)}) {
    const Bytes message = bytes_of("message");
    const Bytes digest = must(crypto::digest(*find_row(scheme)->hash, message));
    const Answer made = ask(Action::sign, name, {digest}, of_digest(scheme));
    ASSERT_EQ(made.statuses, std::vector<std::uint16_t>{kOk}) << nae::name(scheme);
    const TokenView token = must(parse_token(made.items[0]));
    EXPECT_EQ(token.format, static_cast<std::uint8_t>(scheme)) << "of the scheme, not of its form";
    EXPECT_TRUE(must(key_of(name).verify(scheme, message, token.value)));
    const Bytes bare(token.value.begin(), token.value.end());
    EXPECT_EQ(ask(Action::verify, name, {message}, 0, {made.items[0]}).items[0], Bytes{1});
    EXPECT_EQ(ask(Action::verify, name, {digest}, of_digest(scheme), {bare}).items[0], Bytes{1});
    EXPECT_EQ(
        ask(Action::verify, name, {Bytes(digest.size(), 'x')}, of_digest(scheme), {bare}).items[0],
        Bytes{0});
  }
  const auto records = server.records(of_action("sign"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].key, "sig");
  EXPECT_EQ(records[0].items, 1u);
}

TEST_F(SigningTest, ADigestOfAnotherLengthFailsAlone) {
  must(server.ring().create("sig", KeyType::ecdsa_p384));
  const std::uint8_t form = of_digest(SignatureScheme::ecdsa_p384_sha384);
  const Bytes good(48, 'd');
  const Answer made = ask(Action::sign, "sig", {Bytes(47, 'd'), good, Bytes(49, 'd'), good}, form);
  EXPECT_EQ(made.statuses, (std::vector<std::uint16_t>{kBad, kOk, kBad, kOk}));
  EXPECT_TRUE(made.items[0].empty());
  EXPECT_EQ(ask(Action::sign, "sig", {Bytes(32, 'd')}, form).statuses,
            std::vector<std::uint16_t>{kBad});
  const TokenView token = must(parse_token(made.items[1]));
  const Bytes bare(token.value.begin(), token.value.end());
  EXPECT_EQ(ask(Action::verify, "sig", {Bytes(47, 'd'), good}, form, {bare, bare}).statuses,
            (std::vector<std::uint16_t>{kBad, kOk}));
  EXPECT_EQ(server.records(of_action("sign")).at(0).failed_items, 2u);
}

TEST_F(SigningTest, WhatIsNoDigestFormIsRefused) {
  must(server.ring().create("ed", KeyType::ed25519));
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  must(server.ring().create({.name = "few",
                             .type = KeyType::rsa_2048,
                             .attributes = {.algorithms = {SignatureScheme::rsa_pss_sha256}}}));
  const auto code = [&](std::string_view key, SignatureScheme scheme) {
    return ask(Action::sign, key, {Bytes(32, 'd')}, of_digest(scheme)).code();
  };
  EXPECT_EQ(code("ed", SignatureScheme::ed25519), Code::unsupported) << "it takes the message";
  EXPECT_EQ(code("sig", SignatureScheme::rsa_pss_sha256), Code::key_type);
  EXPECT_EQ(code("few", SignatureScheme::rsa_pkcs1_sha256), Code::key_attribute);
  EXPECT_EQ(code("few", SignatureScheme::rsa_pkcs1_sha1), Code::unsupported);
  EXPECT_EQ(code("few", SignatureScheme::rsa_pss_sha256), Code{});
  for (const std::uint8_t unknown : {0x80, 0x90, 0xa1, 0xbf, 0xff})
    EXPECT_EQ(ask(Action::sign, "sig", {Bytes(32, 'd')}, unknown).code(), Code::unsupported)
        << int(unknown);
}

TEST_F(SigningTest, ANamedVersionSignsAndVerifiesAlone) {
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  must(server.ring().rotate("sig"));
  const std::uint8_t form = of_digest(SignatureScheme::ecdsa_p256_sha256);
  const Bytes digest(32, 'd');
  std::array<Bytes, 2> bare;
  for (std::uint16_t version : {1, 2}) {
    const std::string named = "sig:" + std::to_string(version);
    const Answer made = ask(Action::sign, named, {digest}, form);
    ASSERT_EQ(made.items.size(), 1u) << named;
    const TokenView token = must(parse_token(made.items[0]));
    EXPECT_EQ(token.key.version, version);
    bare[version - 1u].assign(token.value.begin(), token.value.end());
  }
  const auto verified = [&](std::string_view key, const Bytes& signature) {
    return ask(Action::verify, key, {digest}, form, {signature}).items.at(0);
  };
  EXPECT_EQ(verified("sig", bare[0]), Bytes{1}) << "any version";
  EXPECT_EQ(verified("sig:1", bare[0]), Bytes{1});
  EXPECT_EQ(verified("sig:2", bare[0]), Bytes{0}) << "the other version's";
  EXPECT_EQ(ask(Action::sign, "sig:3", {digest}, form).code(), Code::key_state);
  EXPECT_EQ(ask(Action::sign, "sig:0", {digest}, form).code(), Code::invalid_argument);
  must(server.ring().set_state("sig", 1, keys::State::restricted));
  EXPECT_EQ(ask(Action::sign, "sig:1", {digest}, form).code(), Code::key_state);
  EXPECT_EQ(verified("sig:1", bare[0]), Bytes{1}) << "what it signed is verified";
  // A signature with a header names its version itself.
  EXPECT_EQ(ask(Action::verify, "sig:1", {digest}, 0, {bare[0]}).code(), Code::key_unknown);
  const auto records = server.records(of_action("sign"));
  EXPECT_EQ(records.at(0).key, "sig");
  EXPECT_EQ(records.at(0).key_version, 1);
}

TEST_F(SigningTest, ANamedVersionMakesCodes) {
  must(server.ring().create("raw", KeyType::hmac_sha_256_raw));
  must(server.ring().rotate("raw"));
  const auto version_of = [&](std::string_view key) {
    return must(parse_token(ask(Action::mac, key, {bytes_of("x")}, 0).items.at(0))).key.version;
  };
  EXPECT_EQ(version_of("raw:1"), 1);
  EXPECT_EQ(version_of("raw:2"), 2);
  EXPECT_EQ(version_of("raw"), 2);
}

TEST_F(SigningTest, ObjectsAreTheVersionsThatServeTheContext) {
  must(server.ring().create("sig", KeyType::ecdsa_p256));
  must(server.ring().rotate("sig"));
  must(server.ring().rotate("sig"));
  must(server.ring().set_state("sig", 1, keys::State::restricted));
  must(server.ring().set_state("sig", 1, keys::State::retired));
  must(server.ring().set_state("sig", 2, keys::State::restricted));
  must(server.ring().create("raw", KeyType::hmac_sha_256_raw));
  const Table table = objects(1);
  EXPECT_EQ(table.columns, (std::vector<std::string>{"name", "id", "version", "state", "primary",
                                                     "type", "protection", "origin", "actions",
                                                     "schemes", "public_key", "certificates"}));
  ASSERT_EQ(table.rows.size(), 3u);
  const auto key = server.ring().find("sig");
  const auto row = [&](std::size_t at) {
    std::vector<std::string> cells;
    for (const auto& cell : table.rows[at]) cells.push_back(cell.value_or("(none)"));
    return cells;
  };
  const std::string id = to_hex(key->id.bytes);
  EXPECT_EQ(row(0)[0], "raw");
  EXPECT_EQ(row(0)[8], "mac,mac-verify");
  EXPECT_EQ(row(0)[10], "(none)");
  EXPECT_EQ(row(1),
            (std::vector<std::string>{"sig", id, "3", "active", "1", "ecdsa-p256", "wrapped",
                                      "generated", "sign,verify", "ecdsa-p256-sha256",
                                      to_hex(public_key("sig", 3)), "(none)"}));
  EXPECT_EQ(row(2), (std::vector<std::string>{"sig", id, "2", "restricted", "0", "ecdsa-p256",
                                              "wrapped", "generated", "verify", "ecdsa-p256-sha256",
                                              to_hex(public_key("sig", 2)), "(none)"}));
  client.open(2, "stranger");
  EXPECT_TRUE(objects(2).rows.empty()) << "what may not be used is not shown";
}

}  // namespace
}  // namespace nae::nae1::testing
