// encrypt and decrypt by a mode of AES, as they are asked for: who may, by which key, mode and
// version, what is recorded, and what is refused.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::nae1::testing {
namespace {

constexpr auto number(CipherMode mode) {
  return static_cast<std::uint8_t>(mode);
}
constexpr auto kGcm = number(CipherMode::aes_gcm), kCbc = number(CipherMode::aes_cbc),
               kCbcPad = number(CipherMode::aes_cbc_pad), kCtr = number(CipherMode::aes_ctr),
               kKw = number(CipherMode::aes_kw);
constexpr auto kBadItem = static_cast<std::uint16_t>(Code::invalid_argument);
constexpr auto kDoesNotOpen = static_cast<std::uint16_t>(Code::authentication_failed);

constexpr char kPolicy[] = R"toml(version = 2
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "alice-does-both"
roles = ["alice"]
keys = ["glob:*"]
actions = ["encrypt", "decrypt", "rewrap", "sign", "mac", "search"]
result = "value"
[[rule]]
name = "bob-encrypts"
roles = ["bob"]
keys = ["glob:*"]
actions = ["encrypt"]
result = "value"
[[rule]]
name = "carol-sees-a-part"
roles = ["carol"]
keys = ["glob:*"]
actions = ["decrypt"]
result = "mask(last=4)"
[[rule]]
name = "dave-encrypts-little"
roles = ["dave"]
keys = ["glob:*"]
actions = ["encrypt"]
result = "value"
limits = ["3 per hour"]
)toml";

class CipherModeTest : public ::testing::Test {
 protected:
  CipherModeTest() {
    server.apply(kPolicy);
    client.open(1, "alice");
    must(server.ring().create(
        {"legacy", KeyType::aes_256_raw, {.modes = every()}, keys::Protection::hsm_only}));
  }
  static std::vector<CipherMode> every() {
    return {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::aes_cbc_pad, CipherMode::aes_ctr,
            CipherMode::aes_kw};
  }
  Answer ask(std::uint32_t context, Action action, std::string_view key, std::uint8_t mode,
             const std::vector<Bytes>& items, const std::vector<Bytes>& ivs) {
    client.ask(context, action, key, items, ivs, mode);
    return client.answer();
  }
  std::vector<audit::StoredRecord> records(std::string action) {
    audit::Filter filter;
    filter.action = std::move(action);
    return server.records(filter);
  }
  ServiceTestServer server;
  ServiceTestClient client{server};
};

TEST_F(CipherModeTest, ItemsHaveTheirOwnIvAndTheirOwnFailure) {
  const std::vector<Bytes> texts{bytes_of("one"), {}, bytes_of("three")};
  const std::vector<Bytes> ivs{Bytes(12, 1), Bytes(16, 2), Bytes(8, 3)};
  const Answer sealed = ask(1, Action::encrypt, "legacy", kGcm, texts, ivs);
  EXPECT_EQ(sealed.statuses, std::vector<std::uint16_t>(3));
  EXPECT_EQ(sealed.items[0].size(), 3u + 16);
  auto changed = sealed.items;
  changed[1][0] ^= 1;
  changed[2].resize(15);
  const Answer opened = ask(1, Action::decrypt, "legacy:1", kGcm, changed, ivs);
  EXPECT_EQ(opened.statuses, (std::vector<std::uint16_t>{0, kDoesNotOpen, kBadItem}));
  EXPECT_EQ(opened.items[0], texts[0]);
  const auto written = records("encrypt"), read = records("decrypt");
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].key, "legacy");
  EXPECT_EQ(written[0].key_version, 1u);
  EXPECT_EQ(written[0].items, 3u);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].key, "legacy");
  EXPECT_EQ(read[0].failed_items, 2u);
}

TEST_F(CipherModeTest, EachModeGoesThereAndBack) {
  const Bytes text(48, 'x');
  for (const std::uint8_t mode : {kGcm, kCbc, kCbcPad, kCtr, kKw}) {
    const std::vector<Bytes> ivs =
        mode == kKw ? std::vector<Bytes>() : std::vector<Bytes>{Bytes(16, 9)};
    const Answer sealed = ask(1, Action::encrypt, "legacy", mode, {text}, ivs);
    ASSERT_EQ(sealed.code(), Code{}) << int(mode) << sealed.error->message;
    EXPECT_NE(sealed.items.at(0), text);
    EXPECT_EQ(ask(1, Action::encrypt, "legacy", mode, {text}, ivs).items[0], sealed.items[0])
        << "nothing of it is drawn here";
    EXPECT_EQ(ask(1, Action::decrypt, "legacy", mode, sealed.items, ivs).items.at(0), text);
  }
}

TEST_F(CipherModeTest, AnIvIsThereWhereTheModeHasOne) {
  const std::vector<Bytes> text{Bytes(16, 'x')};
  for (const Action action : {Action::encrypt, Action::decrypt}) {
    for (const std::uint8_t mode : {kGcm, kCbc, kCbcPad, kCtr})
      EXPECT_EQ(ask(1, action, "legacy", mode, text, {}).code(), Code::invalid_argument);
    EXPECT_EQ(ask(1, action, "legacy", kKw, text, {Bytes(8, Byte{0})}).code(),
              Code::invalid_argument);
    EXPECT_EQ(ask(1, action, "", kGcm, text, {Bytes(12, Byte{0})}).code(), Code::invalid_argument)
        << "such a ciphertext names no key";
  }
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kCbc, text, {Bytes(12, Byte{0})}).statuses,
            std::vector<std::uint16_t>{kBadItem});
}

// It is no key of envelopes, and those are under no mode: neither is ever the other's.
TEST_F(CipherModeTest, IsForNoColumnAndNoEnvelope) {
  must(server.ring().create("pii", KeyType::aes_256_gcm));
  must(server.ring().create({"pii-hsm", KeyType::aes_256_gcm, {}, keys::Protection::hsm_only}));
  must(server.ring().create("lookup", KeyType::aes_256_siv));
  const std::vector<Bytes> text{Bytes(16, 'x')}, iv{Bytes(12, 1)};
  for (const std::string_view key : {"pii", "pii-hsm", "lookup"})
    for (const Action action : {Action::encrypt, Action::decrypt})
      EXPECT_EQ(ask(1, action, key, kGcm, text, iv).code(), Code::key_type) << key;
  for (const std::uint8_t form : {0, 1})
    EXPECT_EQ(ask(1, Action::encrypt, "legacy", form, text, {}).code(), Code::key_type)
        << int(form);
  EXPECT_EQ(ask(1, Action::search, "legacy", 0, text, {}).code(), Code::key_type);
  EXPECT_EQ(ask(1, Action::mac, "legacy", 0, text, {}).code(), Code::key_type);
  EXPECT_EQ(ask(1, Action::sign, "legacy", 0, text, {}).code(), Code::key_type);
  // An envelope that names it, whatever made that.
  Bytes forged = ask(1, Action::encrypt, "pii-hsm", 0, text, {}).items.at(0);
  const auto id = server.ring().find("legacy")->id;
  std::ranges::copy(id.bytes, forged.begin() + 1);
  for (const Action action : {Action::decrypt, Action::rewrap}) {
    const Answer answer = ask(1, action, "", 0, {forged}, {});
    EXPECT_TRUE(answer.error || answer.statuses.at(0) >= 16) << int(action);
  }
  EXPECT_EQ(ask(1, Action::decrypt, "legacy", 0xe1, text, {}).code(), Code::key_type);
  EXPECT_EQ(ask(1, Action::decrypt, "legacy", 0xf9, text, {}).code(), Code::unsupported);
}

TEST_F(CipherModeTest, AKeyTakesTheModesItAllows) {
  must(server.ring().set_attributes("legacy", {}));
  const std::vector<Bytes> text{Bytes(16, 'x')}, iv{Bytes(16, 1)};
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kGcm, text, iv).code(), Code{});
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kKw, text, {}).code(), Code{});
  for (const std::uint8_t mode : {kCbc, kCbcPad, kCtr})
    for (const Action action : {Action::encrypt, Action::decrypt})
      EXPECT_EQ(ask(1, action, "legacy", mode, text, iv).code(), Code::key_attribute)
          << "what notices no change has to be named";
  must(server.ring().set_attributes("legacy", {.modes = {CipherMode::aes_cbc}}));
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kCbc, text, iv).code(), Code{});
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kGcm, text, iv).code(), Code::key_attribute);
  must(server.ring().set_attributes("legacy", {.actions = {Action::decrypt}}));
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kGcm, text, iv).code(), Code::key_attribute);
}

TEST_F(CipherModeTest, PolicyGrantsWholeValuesByNameOrNothing) {
  const std::vector<Bytes> text{Bytes(16, 'x')}, iv{Bytes(16, 1)};
  client.open(2, "bob");
  const Answer sealed = ask(2, Action::encrypt, "legacy", kCbc, text, iv);
  EXPECT_EQ(sealed.code(), Code{});
  EXPECT_EQ(ask(2, Action::decrypt, "legacy", kCbc, sealed.items, iv).code(), Code::denied);
  client.open(3, "carol");
  EXPECT_EQ(ask(3, Action::decrypt, "legacy", kCbc, sealed.items, iv).code(), Code::denied);
  client.open(4, "mallory");
  for (const std::string_view key : {"legacy", "nothing"})
    EXPECT_EQ(ask(4, Action::encrypt, key, kGcm, text, iv).code(), Code::denied);
  client.open(5, "dave");
  EXPECT_EQ(ask(5, Action::encrypt, "legacy", kGcm, {text[0], text[0]}, {iv[0], iv[0]}).code(),
            Code{});
  EXPECT_EQ(ask(5, Action::encrypt, "legacy", kGcm, {text[0], text[0]}, {iv[0], iv[0]}).code(),
            Code::limit_exceeded);
}

TEST_F(CipherModeTest, AVersionIsNamedOrThePrimaryOne) {
  const std::vector<Bytes> text{bytes_of("text")}, iv{Bytes(12, 1)};
  const auto of_first = ask(1, Action::encrypt, "legacy", kGcm, text, iv).items;
  must(server.ring().rotate("legacy"));
  EXPECT_EQ(ask(1, Action::decrypt, "legacy", kGcm, of_first, iv).statuses.at(0), kDoesNotOpen);
  EXPECT_EQ(ask(1, Action::decrypt, "legacy:1", kGcm, of_first, iv).items.at(0), text[0]);
  must(server.ring().set_state("legacy", 1, keys::State::restricted));
  EXPECT_EQ(ask(1, Action::decrypt, "legacy:1", kGcm, of_first, iv).items.at(0), text[0]);
  EXPECT_EQ(ask(1, Action::encrypt, "legacy:1", kGcm, text, iv).code(), Code::key_state);
  must(server.ring().set_state("legacy", 1, keys::State::retired));
  EXPECT_EQ(ask(1, Action::decrypt, "legacy:1", kGcm, of_first, iv).code(), Code::key_state);
}

// What GCM bears with IVs that are drawn at random, whatever the mode: nobody here sees how they
// are chosen. What was encrypted is still read.
TEST_F(CipherModeTest, AVersionEncryptsAsOftenAsItBears) {
  const std::vector<Bytes> text{bytes_of("text")}, iv{Bytes(12, Byte{1})};
  const auto sealed = ask(1, Action::encrypt, "legacy", kGcm, text, iv).items;
  const auto& version = *server.ring().find("legacy")->version(1);
  server.ring().usage().add_uses(version.usage, 4'000'000'000, 1);
  EXPECT_EQ(ask(1, Action::encrypt, "legacy", kGcm, text, iv).code(), Code::key_exhausted);
  EXPECT_EQ(ask(1, Action::decrypt, "legacy", kGcm, sealed, iv).items.at(0), text[0]);
}

TEST_F(CipherModeTest, TheKeyIsHsmOnly) {
  const auto refused = server.ring().create("kept", KeyType::aes_256_raw);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::unsupported);
}

// More than one job of the HSM's takes: each is answered, in its place.
TEST_F(CipherModeTest, ManyItemsTakeTurns) {
  std::vector<Bytes> texts, ivs;
  for (std::uint16_t i = 0; i < 5000; ++i) {
    ivs.emplace_back(16, Byte{0});
    store_big_endian(ivs.back().data(), i);
    texts.emplace_back(ivs.back());
  }
  const Answer sealed = ask(1, Action::encrypt, "legacy", kCtr, texts, ivs);
  ASSERT_EQ(sealed.items.size(), texts.size());
  EXPECT_EQ(ask(1, Action::decrypt, "legacy", kCtr, sealed.items, ivs).items, texts);
}

}  // namespace
}  // namespace nae::nae1::testing
