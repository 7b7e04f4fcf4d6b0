// decrypt by a scheme and derive, as they are asked for: who may, by which key and version, what is
// recorded, and what an item's failure says.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/key_agreement.hpp"
#include "libnae/crypto/key_transport.hpp"

namespace nae::nae1::testing {
namespace {

constexpr auto kOaep = static_cast<std::uint8_t>(DecryptionScheme::rsa_oaep_sha256);
constexpr auto kPkcs1 = static_cast<std::uint8_t>(DecryptionScheme::rsa_pkcs1);
constexpr auto kBadPadding = static_cast<std::uint16_t>(Code::authentication_failed);
constexpr auto kBadItem = static_cast<std::uint16_t>(Code::invalid_argument);

constexpr char kPolicy[] = R"toml(version = 2
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "alice-opens"
roles = ["alice"]
keys = ["glob:*"]
actions = ["decrypt", "derive"]
result = "value"
[[rule]]
name = "carol-sees-a-part"
roles = ["carol"]
keys = ["glob:*"]
actions = ["decrypt"]
result = "mask(last=4)"
[[rule]]
name = "dave-decrypts-little"
roles = ["dave"]
keys = ["glob:*"]
actions = ["decrypt"]
result = "value"
limits = ["3 per hour"]
)toml";

audit::Filter records_of(std::string action) {
  audit::Filter filter;
  filter.action = std::move(action);
  return filter;
}

class PrivateUseTest : public ::testing::Test {
 protected:
  PrivateUseTest() {
    server.apply(kPolicy);
    client.open(1, "alice");
  }
  Answer ask(std::uint32_t context, Action action, std::string_view key,
             const std::vector<Bytes>& items, std::uint8_t algorithm = 0) {
    client.ask(context, action, key, items, {}, algorithm);
    return client.answer();
  }
  Bytes sealed(const std::string& key, std::string_view message, std::uint16_t version = 1) {
    return must(crypto::encrypt_oaep(server.ring().find(key)->version(version)->material.public_key,
                                     HashAlgorithm::sha256, as_bytes(message)));
  }
  crypto::Agreement agreed_with(const std::string& key, KeyType type) {
    return must(crypto::agree_with(type, server.ring().find(key)->version(1)->material.public_key));
  }
  ServiceTestServer server;
  ServiceTestClient client{server};
};

TEST_F(PrivateUseTest, AnItemThatDoesNotOpenFailsAloneAndIsRecorded) {
  must(server.ring().create("mail", KeyType::rsa_decrypt_2048));
  const Bytes good = sealed("mail", "secret");
  Bytes changed = good;
  changed[100] ^= 1;
  const Answer answer =
      ask(1, Action::decrypt, "mail", {good, changed, Bytes(256, 0xff), Bytes(3, 1)}, kOaep);
  EXPECT_EQ(answer.statuses, (std::vector<std::uint16_t>{0, kBadPadding, kBadItem, kBadItem}));
  EXPECT_EQ(answer.items[0], bytes_of("secret"));
  EXPECT_TRUE(answer.items[1].empty());
  const auto records = server.records(records_of("decrypt"));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].key, "mail");
  EXPECT_EQ(records[0].key_version, 1u);
  EXPECT_EQ(records[0].items, 4u);
  EXPECT_EQ(records[0].failed_items, 3u);
}

// Whoever shows which paddings are good opens every ciphertext of the key, OAEP's, too
// (Bleichenbacher 1998): a key is asked by PKCS #1 v1.5 when an administrator has said so.
TEST_F(PrivateUseTest, AKeyOpensByTheSchemesItAllows) {
  must(server.ring().create("mail", KeyType::rsa_decrypt_2048));
  const Bytes good = sealed("mail", "secret");
  const Answer refused = ask(1, Action::decrypt, "mail", {good}, kPkcs1);
  EXPECT_EQ(refused.code(), Code::key_attribute);
  EXPECT_EQ(server.records(records_of("decrypt")).at(0).key, "mail");
  must(server.ring().set_attributes("mail", {.decryptions = {DecryptionScheme::rsa_pkcs1}}));
  EXPECT_EQ(ask(1, Action::decrypt, "mail", std::vector<Bytes>(40, good), kPkcs1).statuses,
            std::vector<std::uint16_t>(40))
      << "PKCS #1 v1.5 says nothing of paddings";
  EXPECT_EQ(ask(1, Action::decrypt, "mail", {good}, kOaep).code(), Code::key_attribute);
  must(server.ring().set_attributes("mail", {.decryptions = {DecryptionScheme::rsa_oaep_sha1}}));
  EXPECT_EQ(ask(1, Action::decrypt, "mail", {good}, kOaep).code(), Code::key_attribute);
}

TEST_F(PrivateUseTest, AVersionIsNamedOrThePrimaryOne) {
  must(server.ring().create("mail", KeyType::rsa_decrypt_2048));
  // Below every modulus of this size: above one it is no ciphertext of that key at all.
  Bytes old = sealed("mail", "old");
  while (old[0] >= 0x80) old = sealed("mail", "old");
  must(server.ring().rotate("mail"));
  const Bytes fresh = sealed("mail", "new", 2);
  EXPECT_EQ(ask(1, Action::decrypt, "mail", {fresh}, kOaep).items[0], bytes_of("new"));
  EXPECT_EQ(ask(1, Action::decrypt, "mail", {old}, kOaep).statuses,
            std::vector<std::uint16_t>{kBadPadding});
  EXPECT_EQ(ask(1, Action::decrypt, "mail:1", {old}, kOaep).items[0], bytes_of("old"));
  must(server.ring().set_state("mail", 1, keys::State::restricted));
  EXPECT_EQ(ask(1, Action::decrypt, "mail:1", {old}, kOaep).items[0], bytes_of("old"))
      << "what was sent before is still read";
  must(server.ring().set_state("mail", 1, keys::State::retired));
  EXPECT_EQ(ask(1, Action::decrypt, "mail:1", {old}, kOaep).code(), Code::key_state);
  EXPECT_EQ(ask(1, Action::decrypt, "mail:3", {old}, kOaep).code(), Code::key_state);
  EXPECT_EQ(ask(1, Action::decrypt, "mail:x", {old}, kOaep).code(), Code::invalid_argument);
  for (const auto& record : server.records(records_of("decrypt"))) EXPECT_EQ(record.key, "mail");
}

TEST_F(PrivateUseTest, DerivesWithPointsOfTheCurve) {
  must(server.ring().create("kex", KeyType::ecdh_p384));
  const auto other = agreed_with("kex", KeyType::ecdh_p384);
  Bytes off = other.point;
  off.back() ^= 1;
  const Answer answer = ask(1, Action::derive, "kex", {off, other.point, Bytes()});
  EXPECT_EQ(answer.statuses, (std::vector<std::uint16_t>{kBadItem, 0, kBadItem}));
  EXPECT_EQ(answer.items[1], other.secret);
  EXPECT_EQ(server.records(records_of("derive")).at(0).failed_items, 2u);
  EXPECT_EQ(ask(1, Action::derive, "kex:1", {other.point}).items[0], other.secret);
}

// RFC 7748 section 6.1: with a point of small order every key agrees on zero.
TEST_F(PrivateUseTest, X25519DerivesWithPointsThatAgreeOnMoreThanZero) {
  must(server.ring().create("kex", KeyType::x25519));
  const auto other = agreed_with("kex", KeyType::x25519);
  Bytes one(32, Byte{0});
  one[0] = 1;
  const Answer answer =
      ask(1, Action::derive, "kex",
          {other.point, Bytes(32, Byte{0}), one, Bytes(31, Byte{9}), Bytes(65, 4)});
  EXPECT_EQ(answer.statuses,
            (std::vector<std::uint16_t>{0, kBadItem, kBadItem, kBadItem, kBadItem}));
  EXPECT_EQ(answer.items[0], other.secret);
  EXPECT_EQ(server.records(records_of("derive")).at(0).failed_items, 4u);
  EXPECT_EQ(ask(1, Action::sign, "kex", {other.point}).code(), Code::denied);
}

TEST_F(PrivateUseTest, AKeyOfOnePurposeHasNoOther) {
  must(server.ring().create("mail", KeyType::rsa_decrypt_2048));
  must(server.ring().create("web", KeyType::rsa_2048));
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  must(server.ring().create("kex", KeyType::ecdh_p256));
  const Bytes good = sealed("mail", "secret");
  for (const std::string_view key : {"web", "pii", "kex"})
    EXPECT_EQ(ask(1, Action::decrypt, key, {good}, kOaep).code(), Code::key_type) << key;
  for (const std::string_view key : {"web", "pii", "mail"})
    EXPECT_EQ(ask(1, Action::derive, key, {Bytes(65, 4)}).code(), Code::key_type) << key;
  for (const std::uint8_t unknown : {0x01, 0xc1, 0xe0, 0xe6, 0xff})
    EXPECT_EQ(ask(1, Action::decrypt, "mail", {good}, unknown).code(), Code::unsupported)
        << int(unknown);
  EXPECT_EQ(ask(1, Action::decrypt, "", {good}, kOaep).code(), Code::invalid_argument)
      << "a ciphertext names no key";
  EXPECT_EQ(ask(1, Action::derive, "kex", {Bytes(65, 4)}, 1).code(), Code::unsupported);
}

// None implies another, and who is shown masks of values gets no value of a private key.
TEST_F(PrivateUseTest, PolicyGrantsWholeValuesByNameOrNothing) {
  must(server.ring().create("mail", KeyType::rsa_decrypt_2048));
  must(server.ring().create("kex", KeyType::ecdh_p256));
  const Bytes good = sealed("mail", "secret");
  client.open(2, "mallory");
  EXPECT_EQ(ask(2, Action::decrypt, "mail", {good}, kOaep).code(), Code::denied);
  EXPECT_EQ(ask(2, Action::derive, "kex", {Bytes(65, 4)}).code(), Code::denied);
  EXPECT_EQ(ask(2, Action::derive, "nothing", {Bytes(65, 4)}).code(), Code::denied)
      << "who may not use a key does not learn whether it exists";
  client.open(3, "carol");
  EXPECT_EQ(ask(3, Action::decrypt, "mail", {good}, kOaep).code(), Code::denied);
  client.open(4, "dave");
  EXPECT_EQ(ask(4, Action::decrypt, "mail", {good, good}, kOaep).items[1], bytes_of("secret"));
  EXPECT_EQ(ask(4, Action::decrypt, "mail", {good, good}, kOaep).code(), Code::limit_exceeded);
  EXPECT_EQ(ask(4, Action::decrypt, "mail", {Bytes(256, 1)}, kOaep).statuses,
            std::vector<std::uint16_t>{kBadPadding});
  EXPECT_EQ(ask(4, Action::decrypt, "mail", {good}, kOaep).code(), Code::limit_exceeded)
      << "who guesses pays for each guess";
  EXPECT_EQ(ask(4, Action::derive, "kex", {Bytes(65, 4)}).code(), Code::denied);
}

TEST_F(PrivateUseTest, ObjectsSayWhatTheyMayDo) {
  must(server.ring().create("mail", KeyType::rsa_decrypt_2048));
  must(server.ring().create("kex", KeyType::ecdh_p256));
  client.session().lookup({1, wire::LookupSubject::objects});
  const Table objects = must(wire::parse_lookup_reply(client.frame().body));
  ASSERT_EQ(objects.rows.size(), 2u);
  const auto cell = [&](std::size_t row, std::string_view column) {
    for (std::size_t i = 0; i < objects.columns.size(); ++i)
      if (objects.columns[i] == column) return objects.rows[row][i].value_or("-");
    return std::string("?");
  };
  EXPECT_EQ(cell(0, "name") + " " + cell(0, "type") + " " + cell(0, "actions"),
            "kex ecdh-p256 derive");
  EXPECT_EQ(cell(1, "name") + " " + cell(1, "type") + " " + cell(1, "actions"),
            "mail rsa-decrypt-2048 decrypt");
  EXPECT_EQ(cell(0, "schemes"), "");
  EXPECT_EQ(cell(1, "schemes"),
            "rsa-oaep-sha256,rsa-oaep-sha384,rsa-oaep-sha512,rsa-oaep-sha224,rsa-oaep-sha1");
}

TEST_F(PrivateUseTest, ManyItemsTakeTurnsAndTooManyAreRefused) {
  must(server.ring().create("kex", KeyType::ecdh_p256));
  const auto other = agreed_with("kex", KeyType::ecdh_p256);
  const Answer answer = ask(1, Action::derive, "kex", std::vector<Bytes>(100, other.point));
  ASSERT_EQ(answer.items.size(), 100u);
  for (const Bytes& item : answer.items) EXPECT_EQ(item, other.secret);
  EXPECT_EQ(ask(1, Action::derive, "kex", std::vector<Bytes>(1025, other.point)).code(),
            Code::too_many_items);
}

}  // namespace
}  // namespace nae::nae1::testing
