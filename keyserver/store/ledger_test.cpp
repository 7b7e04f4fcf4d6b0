// Changes, contents and snapshots against another implementation's bytes, and bent ones.
#include <gtest/gtest.h>

#include "keyserver/store/acting.hpp"
#include "keyserver/store/fold.hpp"
#include "keyserver/store/ledger.hpp"
#include "keyserver/store/ledger_item.hpp"
#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::store {
namespace {

using vectors::Vector;

[[maybe_unused]] const auto* const kHeap = crypto::take_secure_heap_for_tests();

Bytes bytes_of(std::string_view text) {
  return Bytes(text.begin(), text.end());
}

// What generate_ledger.py has of each noun.
Item expected(std::string_view noun) {
  const KeyId id{{0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5}};
  std::string fingerprint;
  for (int i = 0; i < 32; ++i) fingerprint += "ab";
  const auto repeated = [](std::string_view pair) {
    std::string text;
    for (int i = 0; i < 32; ++i) text += pair;
    return text;
  };
  if (noun == "fact") return item_of_fact("server_id", "0123456789abcdef");
  if (noun == "key") {
    keys::Key key{id, "customer-pii", *key_type_from_number(2), 1'700'000'000'000'000, {}};
    key.attributes.owner = "crm";
    key.attributes.description = "äöü";
    key.attributes.labels = {{"tier", "1"}, {"team", "crm"}};
    key.attributes.actions = {Action::encrypt, Action::decrypt};
    key.attributes.rotate_after_days = 90;
    key.attributes.rotate_after_uses = 7;
    return item_of(key);
  }
  if (noun == "version") {
    keys::Version version{2, keys::State::active, 5, {bytes_of("wrapped"), "", {}}};
    version.changed_at_us = 6;
    version.binding = {keys::Origin::generated, Bytes(32, 0x11), bytes_of("signature")};
    version.schedule = {{keys::State::destroyed, 77, 78}};
    return item_of(id, version);
  }
  if (noun == "certificate") return item_of_certificates({id, 2}, bytes_of("two certificates"));
  if (noun == "policy") return item_of(policy::Revision{7, "[[rule]]", "alice", "why", 10});
  if (noun == "device")
    return item_of(DeviceCertificate{"db1", fingerprint, "0b", 1, 2, repeated("cd"), 3});
  if (noun == "admin")
    return item_of(Admin{"alice", {"auditor"}, 4, repeated("ef"), {{fingerprint, "0a", 5, 6}}});
  Approval approval;
  approval.id = "0123456789abcdef";
  approval.operation = "key-destroy";
  approval.action = "key-state";
  approval.method = "PATCH";
  approval.target = "/v1/keys/a";
  approval.content_type = "application/json";
  approval.body = approval.answer = "{}";
  approval.base = "key:1";
  approval.digest = repeated("12");
  approval.requested_by = "alice";
  approval.fingerprint = fingerprint;
  approval.requested_at_us = 10;
  approval.expires_at_us = 20;
  approval.state = ApprovalState::done;
  approval.status = 200;
  approval.decisions = {{"bob", Verdict::approved, approval.digest, 15}};
  return item_of(approval);
}

LedgerKey key_of(const Vector& v) {
  return LedgerKey(crypto::secret_of(v.bytes("key")));
}

TEST(LedgerVectors, Contents) {
  std::size_t nouns = 0;
  for (const Vector& v : vectors::read("ledger.txt", "content")) {
    const Item item = expected(v.value("name"));
    EXPECT_EQ(static_cast<unsigned long>(item.noun), v.number("noun"));
    EXPECT_EQ(item.identity, v.bytes("identity")) << v.value("name");
    EXPECT_EQ(*item.content, v.bytes("content")) << v.value("name");
    ++nouns;
  }
  EXPECT_EQ(nouns, std::size(kNouns));
}

TEST(LedgerVectors, Changes) {
  LedgerHash previous{};
  for (const Vector& v : vectors::read("ledger.txt", "change")) {
    const Bytes bytes = v.bytes("bytes");
    auto change = parse_change(bytes);
    ASSERT_TRUE(change) << v.line;
    EXPECT_EQ(change->epoch, v.number("epoch"));
    EXPECT_EQ(change->previous, previous);
    EXPECT_EQ(encode(*change), bytes);
    previous = hash_of(bytes);
    EXPECT_TRUE(std::ranges::equal(previous, v.bytes("hash")));
    EXPECT_TRUE(key_of(v).verify(bytes, v.bytes("mac")));
    EXPECT_TRUE(std::ranges::equal(key_of(v).mac(bytes), v.bytes("mac")));
  }
  const auto all = vectors::read("ledger.txt", "change");
  const Change second = *parse_change(all.at(1).bytes("bytes"));
  EXPECT_EQ(second.admin, "älice");
  EXPECT_EQ(second.time_us, -1);
  EXPECT_EQ(second.kind, ChangeKind::admin_removed);
  EXPECT_EQ(second.items.at(0).content, std::nullopt);
}

TEST(LedgerVectors, Snapshots) {
  const Vector v = vectors::read("ledger.txt", "snapshot").at(0);
  const Bytes bytes = v.bytes("bytes");
  auto snapshot = parse_snapshot(bytes);
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot->point.epoch, 3u);
  EXPECT_TRUE(key_of(v).verify(bytes, v.bytes("mac")));
  Fold fold;
  for (const Vector& c : vectors::read("ledger.txt", "change"))
    fold.apply(*parse_change(c.bytes("bytes")));
  EXPECT_EQ(fold, snapshot->fold);
  EXPECT_EQ(encode_snapshot(snapshot->point, fold), bytes);
}

TEST(Change, CutOrLongerIsNone) {
  for (const Vector& v : vectors::read("ledger.txt", "change")) {
    Bytes bytes = v.bytes("bytes");
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_EQ(parse_change(ByteView(bytes).first(size)).error().code, Code::store_corrupt);
    bytes.push_back(0);
    EXPECT_EQ(parse_change(bytes).error().code, Code::store_corrupt);
  }
  const Vector v = vectors::read("ledger.txt", "snapshot").at(0);
  Bytes bytes = v.bytes("bytes");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(parse_snapshot(ByteView(bytes).first(size)).error().code, Code::store_corrupt);
  bytes.push_back(0);
  EXPECT_EQ(parse_snapshot(bytes).error().code, Code::store_corrupt);
}

TEST(Change, LimitsAreKept) {
  Change change{1, ChangeKind::adopted, 0, "n", "", {}, {}};
  const Item row = item_of_fact("a", "b");
  change.items.assign(kMaxItems, row);
  EXPECT_TRUE(parse_change(encode(change)));
  change.items.push_back(row);
  EXPECT_FALSE(parse_change(encode(change)));
  for (const auto& [size, good] :
       {std::pair{kMaxIdentityBytes, true}, {kMaxIdentityBytes + 1, false}}) {
    change.items = {item_of_fact(std::string(size, 'a'), "b")};
    EXPECT_EQ(parse_change(encode(change)).has_value(), good) << size;
  }
  for (const auto& [size, good] :
       {std::pair{kMaxContentBytes, true}, {kMaxContentBytes + 1, false}}) {
    change.items = {{Noun::fact, bytes_of("a"), Bytes(size, 7)}};
    EXPECT_EQ(parse_change(encode(change)).has_value(), good) << size;
  }
  change.items = {};
  EXPECT_TRUE(parse_change(encode(change)));
  for (const std::uint8_t kind : {0, static_cast<int>(kNewestChangeKind) + 1, 255}) {
    change.kind = static_cast<ChangeKind>(kind);
    EXPECT_FALSE(parse_change(encode(change))) << int(kind);
  }
  change.kind = ChangeKind::adopted;
  change.epoch = 0;
  EXPECT_FALSE(parse_change(encode(change)));
}

TEST(Fold, UndoesWhatItApplied) {
  Fold fold;
  Change first{
      1, ChangeKind::fact_set, 0, "", "", {}, {item_of_fact("a", "1"), item_of_fact("b", "1")}};
  fold.apply(first);
  const Fold before = fold;
  Change second{2,
                ChangeKind::fact_set,
                0,
                "",
                "",
                {},
                {item_of_fact("a", "2"), item_of_fact("c", "1"), item_of_fact("a", "3")}};
  second.items.push_back({Noun::fact, bytes_of("b"), std::nullopt});
  auto undo = fold.apply(second);
  EXPECT_EQ(fold.find(Noun::fact, bytes_of("b")), nullptr);
  EXPECT_EQ(fold.find(Noun::fact, bytes_of("a"))->epoch, 2u);
  EXPECT_TRUE(fold.check(item_of_fact("a", "3")));
  fold.undo(std::move(undo));
  EXPECT_EQ(fold, before);
}

TEST(Acting, EndsWithItsScope) {
  EXPECT_EQ(Acting::who(), "");
  {
    const Acting approver("bob");
    {
      const Acting requester("alice");
      EXPECT_EQ(Acting::who(), "alice");
    }
    EXPECT_EQ(Acting::who(), "bob");
  }
  EXPECT_EQ(Acting::who(), "");
}

}  // namespace
}  // namespace nae::store
