#include "keyserver/audit/known_store.hpp"

#include "keyserver/audit/head.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class KnownStoreTest : public LogTest {
 protected:
  // A server that comes to change `epoch` of its store, and ends.
  void serve(std::uint64_t epoch, std::uint64_t segment_bytes = kDefaultSegmentBytes) {
    LogOptions wanted = options();
    wanted.segment_bytes = segment_bytes;
    wanted.store_point = [epoch] { return point(epoch); };
    auto log = open_log(wanted);
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->append(batch_of(1)));
  }
  static StorePoint point(std::uint64_t epoch) {
    StorePoint point{epoch, {}};
    point.hash.fill(static_cast<Byte>(epoch));
    return point;
  }
  KnownStore known() const { return known_store(directory_, public_key_).value(); }
  std::filesystem::path head_file() const { return directory_ / kHeadFile; }
};

TEST_F(KnownStoreTest, AnEmptyLogKnowsNothing) {
  EXPECT_EQ(known().point, StorePoint{});
  EXPECT_EQ(known().newest_seq, 0u);
  EXPECT_FALSE(known().has_head);
  serve(0);
  EXPECT_EQ(known().point, StorePoint{}) << "of a store without a ledger";
  EXPECT_EQ(known().newest_seq, 2u);
  EXPECT_FALSE(known().has_head);
}

TEST_F(KnownStoreTest, TheNewestHeadIsTakenAlsoWhereItKnowsLess) {
  serve(7);
  EXPECT_EQ(known().point, point(7));
  EXPECT_EQ(known().file, "head.json");
  EXPECT_TRUE(known().has_head);
  serve(3);
  EXPECT_EQ(known().point, point(3)) << "a rollback that was accepted";
}

TEST_F(KnownStoreTest, RecordsBehindTheHeadAreTaken) {
  serve(7);
  const std::string head = read(head_file());
  serve(9);
  write(head_file(), head);
  EXPECT_EQ(known().point, point(9));
  EXPECT_EQ(known().file, "audit-000000000001.jsonl");
  serve(9);
  EXPECT_EQ(known().file, "head.json");
  std::filesystem::remove(head_file());
  EXPECT_EQ(known().point, point(9));
  EXPECT_FALSE(known().has_head);
}

TEST_F(KnownStoreTest, EachChangeIsRecordedOnce) {
  LogOptions wanted = options();
  StorePoint now = point(2);
  wanted.store_point = [&] { return now; };
  auto log = open_log(wanted);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(log->append(batch_of(1)));
  now = point(3);
  ASSERT_TRUE(log->append_requests(batch_of(1))) << "it changes nothing of the store";
  ASSERT_TRUE(log->append(batch_of(1)));
  const auto found = records(std::string(kStoreEvent));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].detail, store_detail(point(2)));
  EXPECT_EQ(found[0].seq, 2u) << "before what was done";
  EXPECT_EQ(found[1].detail, store_detail(point(3)));
  EXPECT_EQ(found[1].seq, 7u);
}

TEST_F(KnownStoreTest, HeadsOfClosedSegmentsAreTaken) {
  serve(4, 1);
  serve(5, 1);
  serve(6, 1);
  ASSERT_GE(segments().size(), 3u);
  std::filesystem::remove(head_file());
  std::filesystem::remove(segments().back().path);
  const Segment closed = segments().back();
  EXPECT_EQ(known().file, segment_head_name(closed.first_seq));
  EXPECT_GE(known().point.epoch, 5u);
  // What another key signed is passed over, and so is what is no head: as if it were not there.
  const auto file = directory_ / segment_head_name(closed.first_seq);
  Head head = **read_head_file(file);
  std::filesystem::remove(file);
  const KnownStore without = known();
  ASSERT_NE(without.point, StorePoint{}) << "the heads and records before it say something";
  ASSERT_NE(without.file, segment_head_name(closed.first_seq));
  head.store = point(99);
  ASSERT_TRUE(write_head_file(file, head));
  EXPECT_EQ(known().point, without.point);
  EXPECT_EQ(known().file, without.file);
  write(file, "{}");
  EXPECT_EQ(known().point, without.point);
  EXPECT_EQ(known().file, without.file);
}

TEST_F(KnownStoreTest, AHeadThatTheKeyDidNotSignIsRefused) {
  serve(4);
  Head head = **read_head_file(head_file());
  head.store = point(3);
  ASSERT_TRUE(write_head_file(head_file(), head));
  auto refused = known_store(directory_, public_key_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::audit_broken);
  EXPECT_NE(refused.error().message.find("head.json"), std::string::npos);
  write(head_file(), "{}");
  refused = known_store(directory_, public_key_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::audit_broken);
  EXPECT_NE(refused.error().message.find("head.json"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("accept-audit-loss"), std::string::npos);
}

// Whoever asks the server chooses some texts of its records.
TEST_F(KnownStoreTest, TextsOfAskersAreNoRecordsOfTheStore) {
  auto log = open_log();
  const std::string as_record =
      R"(x","event":")" + std::string(kStoreEvent) + R"(","detail":")" + store_detail(point(9));
  ASSERT_TRUE(log->append_requests(batch_of(1, as_record)));
  ASSERT_NE(read(segments().back().path).find(store_detail(point(9))), std::string::npos);
  EXPECT_EQ(known().point, StorePoint{});
  // The same words by the server itself are one.
  Batch own;
  own.add(EventRecord{kTestTimeUs, kStoreEvent, store_detail(point(9))});
  ASSERT_TRUE(log->append_requests(own));
  EXPECT_EQ(known().point, point(9));
}

}  // namespace
}  // namespace nae::audit
