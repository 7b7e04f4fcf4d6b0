// Blind indexes of one version of a key: what is stored asks for an active one, what is searched
// for is served under a restricted one too.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/envelope/blind_index.hpp"

namespace nae::nae1 {
namespace {

using keys::State;
using testing::bytes_of;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

class BlindIndex : public ::testing::Test {
 protected:
  BlindIndex() {
    must(server.ring().create("codes", KeyType::hmac_sha_256));
    must(server.ring().create({.name = "inside",
                               .type = KeyType::hmac_sha_256,
                               .protection = keys::Protection::hsm_only}));
    must(server.ring().create("raw", KeyType::hmac_sha_256_raw));
  }
  testing::Answer ask(std::string_view key, MacForm form,
                      const std::vector<Bytes>& values = {bytes_of("4111")},
                      const std::string& role = "alice") {
    client.open(1, role);
    client.ask(1, Action::mac, key, values, {}, static_cast<std::uint8_t>(form));
    return client.answer();
  }
  Bytes made(std::string_view key, MacForm form) { return ask(key, form).items.at(0); }
  BlindIndexCodeView code(std::string_view key, MacForm form = MacForm::blind_index_code) {
    last = made(key, form);
    BlindIndexCodeView view;
    EXPECT_TRUE(parse_blind_index_code(last, view));
    return view;
  }

  ServiceTestServer server;
  ServiceTestClient client{server};
  Bytes last;
};

TEST_F(BlindIndex, NamesFormatAndVersion) {
  for (const char* key : {"codes", "inside"}) {
    must(server.ring().rotate(key));
    EXPECT_EQ(code(key).format,
              key == std::string("codes") ? Format::blind_index : Format::blind_index_hsm);
    EXPECT_EQ(code(key).version, 2) << "the newest, when none is named";
    EXPECT_EQ(code(std::string(key) + ":1").version, 1);
    EXPECT_EQ(code(std::string(key) + ":2").version, 2);
    EXPECT_EQ(server.records().back().key, key) << "recorded without the version";
    EXPECT_EQ(server.records().back().key_version, 2);
  }
}

TEST_F(BlindIndex, OfAVersionStaysThroughRotationsAndRestarts) {
  for (const char* key : {"codes", "inside"}) {
    const std::string first = std::string(key) + ":1";
    const Bytes was = made(first, MacForm::blind_index_code);
    must(server.ring().rotate(key));
    server.forget_working_keys();
    EXPECT_EQ(made(first, MacForm::blind_index_code), was);
    EXPECT_EQ(made(first, MacForm::blind_index_search), was) << "the same in both forms";
    EXPECT_NE(made(key, MacForm::blind_index_code), was);
  }
}

TEST_F(BlindIndex, OfTheOldFormatIsFoundByAVersion) {
  for (const char* key : {"codes", "inside"}) {
    const Bytes was = made(key, MacForm::blind_index);
    EXPECT_EQ(was.size(), kBlindIndexBytes);
    must(server.ring().rotate(key));
    EXPECT_NE(made(key, MacForm::blind_index), was);
    EXPECT_EQ(made(std::string(key) + ":1", MacForm::blind_index), was);
  }
}

TEST_F(BlindIndex, HasAKeyOfItsOwnInEachFormat) {
  for (const char* key : {"codes", "inside"}) {
    const Bytes old = made(key, MacForm::blind_index), mac = made(key, MacForm::code);
    const ByteView shown = code(key).index;
    const Bytes index(shown.begin(), shown.end());
    EXPECT_NE(index, old);
    EXPECT_NE(index, Bytes(mac.begin() + kTokenHeaderBytes,
                           mac.begin() + kTokenHeaderBytes + kBlindIndexBytes));
  }
}

TEST_F(BlindIndex, OfARestrictedVersionIsSearchedForAndNotMade) {
  for (const char* key : {"codes", "inside"}) {
    const std::string first = std::string(key) + ":1";
    const Bytes was = made(first, MacForm::blind_index_code);
    const Bytes old = made(first, MacForm::blind_index);
    must(server.ring().rotate(key));
    must(server.ring().set_state(key, 1, State::restricted));
    auto refused = ask(first, MacForm::blind_index_code);
    ASSERT_EQ(refused.code(), Code::key_state);
    EXPECT_EQ(refused.error->message, "version 1 of key \"" + std::string(key) +
                                          "\" is restricted, which does not allow mac");
    EXPECT_EQ(made(first, MacForm::blind_index_search), was);
    EXPECT_EQ(made(first, MacForm::blind_index), old);
    must(server.ring().set_state(key, 1, State::retired));
    for (MacForm form :
         {MacForm::blind_index, MacForm::blind_index_code, MacForm::blind_index_search})
      EXPECT_EQ(ask(first, form).code(), Code::key_state);
    EXPECT_EQ(code(key).version, 2) << "the primary one goes on";
  }
}

TEST_F(BlindIndex, RefusesOtherReferencesAndKeys) {
  for (MacForm form :
       {MacForm::blind_index, MacForm::blind_index_code, MacForm::blind_index_search}) {
    for (const char* version : {"", "0", "01", "+1", "1 ", "0x1", "65536", "1:1"})
      EXPECT_EQ(ask(std::string("codes:") + version, form).code(), Code::invalid_argument)
          << version;
    EXPECT_EQ(ask("codes:2", form).code(), Code::key_state) << "no such version";
    EXPECT_EQ(ask("none:1", form).code(), Code::key_unknown);
    EXPECT_EQ(ask("raw:1", form).code(), Code::key_type);
    EXPECT_EQ(ask("codes:1", form, {bytes_of("x")}, "bob").code(), Code::denied);
  }
  EXPECT_EQ(ask("codes:2", MacForm::code).code(), Code::key_state);
  EXPECT_EQ(ask("codes:1", MacForm::code).code(), Code{});
  EXPECT_EQ(ask("codes", static_cast<MacForm>(4)).code(), Code::unsupported);
}

TEST_F(BlindIndex, OfManyValues) {
  std::vector<Bytes> values;
  for (int i = 0; i < 5000; ++i) values.push_back(bytes_of(std::to_string(i % 2500)));
  for (const char* key : {"codes:1", "inside:1"}) {
    const auto answer = ask(key, MacForm::blind_index_code, values);
    ASSERT_EQ(answer.items.size(), values.size());
    for (std::size_t i = 0; i < 2500; ++i) ASSERT_EQ(answer.items[i], answer.items[i + 2500]);
    EXPECT_NE(answer.items[0], answer.items[1]);
  }
}

}  // namespace
}  // namespace nae::nae1
