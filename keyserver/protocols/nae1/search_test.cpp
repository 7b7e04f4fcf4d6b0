// Codes of search indexes: who gets them, under which keys and versions, and what they are counted
// as.
#include <gtest/gtest.h>

#include "keyserver/protocols/nae1/service_test_server.hpp"
#include "libnae/envelope/search_input.hpp"

namespace nae::nae1 {
namespace {

using keys::State;
using testing::must;
using testing::ServiceTestClient;
using testing::ServiceTestServer;

constexpr char kPolicy[] = R"toml(version = 2
[[device]]
name = "db1"
[[program]]
name = "postgres"
[[rule]]
name = "reads"
roles = ["alice", "reader"]
keys = ["glob:*"]
actions = ["decrypt"]
result = "value"
[[rule]]
name = "sees-masks"
roles = ["masked"]
keys = ["glob:*"]
actions = ["decrypt"]
result = "mask(last=2)"
[[rule]]
name = "searches"
roles = ["alice", "masked", "blind"]
keys = ["glob:*"]
actions = ["search"]
result = "value"
limits = ["100 per minute"]
)toml";

Bytes item_of(const std::vector<std::string>& tokens, std::string_view purpose = "purpose",
              unsigned bits = 16) {
  const SearchColumn column{bits, purpose, "context", "declaration"};
  std::size_t bytes = search_head_bytes(column);
  for (const std::string& token : tokens) bytes += kSearchTokenLengthBytes + token.size();
  Bytes item(bytes);
  Byte* out = write_search_head(column, item.data());
  for (const std::string& token : tokens) out = write_search_token(token, out);
  return item;
}

class Search : public ::testing::Test {
 protected:
  Search() {
    server.apply(kPolicy);
    must(server.ring().create("pii", KeyType::aes_256_gcm));
    must(server.ring().create("siv", KeyType::aes_256_siv));
    must(server.ring().create("codes", KeyType::hmac_sha_256));
    must(server.ring().create({.name = "inside",
                               .type = KeyType::aes_256_gcm,
                               .protection = keys::Protection::hsm_only}));
  }
  testing::Answer ask(std::string_view key, const std::vector<Bytes>& items,
                      const std::string& role = "alice", SearchForm form = SearchForm::stored) {
    client.open(1, role);
    client.ask(1, Action::search, key, items, {}, static_cast<std::uint8_t>(form));
    return client.answer();
  }
  Bytes codes(std::string_view key, const Bytes& item, SearchForm form = SearchForm::stored) {
    return ask(key, {item}, "alice", form).items.at(0);
  }

  ServiceTestServer server;
  ServiceTestClient client{server};
};

TEST_F(Search, AnswersACodeForEachToken) {
  const auto answer = ask("pii", {item_of({"ada", "love"}), item_of({}), item_of({"love"})});
  ASSERT_EQ(answer.code(), Code{});
  ASSERT_EQ(answer.items.size(), 3u);
  EXPECT_EQ(answer.items[0].size(), 2 * kSearchCodeBytes);
  EXPECT_TRUE(answer.items[1].empty());
  EXPECT_EQ(answer.items[2], Bytes(answer.items[0].begin() + 4, answer.items[0].end()));
  EXPECT_EQ(load_big_endian<std::uint16_t>(answer.items[0].data()), 0) << "16 bits of 32";
}

TEST_F(Search, IsOfOneColumnKeyAndVersion) {
  const Bytes was = codes("pii:1", item_of({"ada"}, "purpose", 32));
  EXPECT_EQ(codes("pii:1", item_of({"ada"}, "purpose", 32), SearchForm::searched), was);
  EXPECT_NE(codes("pii:1", item_of({"ada"}, "another", 32)), was);
  must(server.ring().rotate("pii"));
  server.forget_working_keys();
  EXPECT_EQ(codes("pii:1", item_of({"ada"}, "purpose", 32)), was);
  EXPECT_NE(codes("pii", item_of({"ada"}, "purpose", 32)), was);
}

TEST_F(Search, OfARestrictedVersionIsSearchedForAndNotMade) {
  const Bytes was = codes("pii:1", item_of({"ada"}));
  must(server.ring().rotate("pii"));
  must(server.ring().set_state("pii", 1, State::restricted));
  EXPECT_EQ(ask("pii:1", {item_of({"ada"})}).code(), Code::key_state);
  EXPECT_EQ(codes("pii:1", item_of({"ada"}), SearchForm::searched), was);
  must(server.ring().set_state("pii", 1, State::retired));
  EXPECT_EQ(ask("pii:1", {item_of({"ada"})}, "alice", SearchForm::searched).code(),
            Code::key_state);
}

// A code says whether a guess is right.
TEST_F(Search, IsForWhoReadsWholeValuesAndMaySearch) {
  EXPECT_EQ(ask("pii", {item_of({"ada"})}, "reader").code(), Code::denied);
  EXPECT_EQ(ask("pii", {item_of({"ada"})}, "masked").code(), Code::denied);
  EXPECT_EQ(ask("pii", {item_of({"ada"})}, "blind").code(), Code::denied);
  EXPECT_EQ(ask("pii", {item_of({"ada"})}, "alice").code(), Code{});
}

TEST_F(Search, TakesKeysOfRandomizedColumnsAlone) {
  EXPECT_EQ(ask("siv", {item_of({"ada"})}).code(), Code::key_type);
  EXPECT_EQ(ask("codes", {item_of({"ada"})}).code(), Code::key_type);
  EXPECT_EQ(ask("none", {item_of({"ada"})}).code(), Code::key_unknown);
  const auto inside = ask("inside", {item_of({"ada"})});
  ASSERT_EQ(inside.code(), Code::key_type);
  EXPECT_EQ(inside.error->message, "key \"inside\" is hsm-only and makes no search codes");
}

TEST_F(Search, RefusesItemsThatAreNoneByThemselves) {
  const auto answer = ask("pii", {Bytes{16}, item_of({"ada"}), item_of({"ada"}, "purpose", 33)});
  ASSERT_EQ(answer.code(), Code{});
  EXPECT_EQ(answer.statuses[0], static_cast<std::uint16_t>(Code::invalid_argument));
  EXPECT_EQ(answer.statuses[1], 0);
  EXPECT_EQ(answer.statuses[2], static_cast<std::uint16_t>(Code::invalid_argument));
}

TEST_F(Search, IsRecordedAndLimitedByTokens) {
  const std::vector<std::string> tokens(40, "token");
  ASSERT_EQ(ask("pii", {item_of(tokens), item_of(tokens)}).code(), Code{});
  const audit::StoredRecord record = server.records().back();
  EXPECT_EQ(record.action, "search");
  EXPECT_EQ(record.key, "pii");
  EXPECT_EQ(record.items, 80u);
  EXPECT_EQ(ask("pii", {item_of(tokens)}).code(), Code::limit_exceeded) << "120 of 100";
  EXPECT_EQ(ask("pii", {item_of({})}).code(), Code{});
}

}  // namespace
}  // namespace nae::nae1
