#include "keyserver/audit/chain.hpp"

#include <gtest/gtest.h>

#include "keyserver/audit/record.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::audit {
namespace {

TEST(Chain, EachLineContinuesTheLast) {
  std::string out;
  ChainPoint point;
  append_line(out, point, R"("a":1)");
  append_line(out, point, R"("a":2)");
  EXPECT_EQ(point.seq, 2u);
  std::string first = out.substr(0, out.find('\n'));
  std::string second = out.substr(out.find('\n') + 1);
  second.pop_back();
  auto one = split_line(first), two = split_line(second);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->seq, 1u);
  EXPECT_EQ(one->hashed, R"({"seq":1,"a":1)");
  EXPECT_EQ(one->members, R"("a":1)");
  EXPECT_EQ(one->hash, line_hash(kGenesis, one->hashed));
  EXPECT_EQ(two->hash, line_hash(one->hash, two->hashed));
  EXPECT_EQ(two->hash, point.hash);
}

// The formula of docs/spec/audit.md, written out.
TEST(Chain, HashIsSha256OfPreviousAndBytes) {
  std::string message(32, '\0');
  message += R"({"seq":1,"a":1)";
  EXPECT_EQ(line_hash(kGenesis, R"({"seq":1,"a":1)"), crypto::sha256(as_bytes(message)));
  EXPECT_EQ(to_hex(line_hash(kGenesis, R"({"seq":1,"a":1)")),
            "174f545290734bb2aabc6218911a6f8d06c7f6030f917ccc2c414d8fa8858a13");
}

TEST(Chain, LinesOfAnotherFormAreNone) {
  std::string out;
  ChainPoint point;
  append_line(out, point, R"("a":1)");
  out.pop_back();
  ASSERT_TRUE(split_line(out));
  for (std::size_t cut = 0; cut < out.size(); ++cut) EXPECT_FALSE(split_line(out.substr(0, cut)));
  EXPECT_FALSE(split_line(out + " "));
  EXPECT_FALSE(split_line(" " + out));
  std::string upper = out;
  for (std::size_t i = out.rfind(':'); i < upper.size(); ++i)
    upper[i] = static_cast<char>(std::toupper(upper[i]));
  EXPECT_FALSE(split_line(upper)) << "a second form of the same hash";
  for (std::string_view seq : {"0", "01", "-1", "+1", "", "18446744073709551616"}) {
    std::string other = out;
    other.replace(7, 1, seq);
    EXPECT_FALSE(split_line(other)) << seq;
  }
  std::string filler(kMaxLineBytes - out.size() - 1, 'x');
  EXPECT_TRUE(split_line(std::string(out).insert(9, filler)));
  EXPECT_FALSE(split_line(std::string(out).insert(9, filler + "x")));
}

TEST(Chain, SegmentRecordsRepeatTheHashBefore) {
  Hash previous;
  previous.fill(0xab);
  std::string out;
  ChainPoint point{41, previous};
  append_line(out, point, segment_members(5, previous));
  out.pop_back();
  EXPECT_EQ(previous_of_segment(*split_line(out)), previous);
  out.clear();
  append_line(out, point, R"("time":"1970-01-01T00:00:00.000000Z","event":"request")");
  out.pop_back();
  EXPECT_FALSE(previous_of_segment(*split_line(out)));
}

TEST(Chain, SegmentNamesSortAndReadBack) {
  EXPECT_EQ(segment_name(1), "audit-000000000001.jsonl");
  for (std::uint64_t seq : {1ull, 999'999'999'999ull, 1'000'000'000'000ull, ~0ull})
    EXPECT_EQ(first_seq_of_segment(segment_name(seq)), seq);
  for (std::string_view name :
       {"audit-1.jsonl", "audit-0000000000001.jsonl", "audit-.jsonl", "audit-00000000000x.jsonl",
        "audit-000000000001.json", "audit-.json", "head.json", "", "audit-00000000000-1.jsonl"})
    EXPECT_FALSE(first_seq_of_segment(name)) << name;
}

}  // namespace
}  // namespace nae::audit
