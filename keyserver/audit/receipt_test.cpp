#include "keyserver/audit/receipt.hpp"

#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

class ReceiptTest : public LogTest {
 protected:
  ReceiptTest() { write_log(20, 3000); }

  Receipt receipt_of(std::uint64_t seq) const {
    auto receipt = make_receipt(directory_, seq);
    EXPECT_TRUE(receipt) << seq << ": " << receipt.error().message;
    return receipt ? *receipt : Receipt{};
  }
  void expect_refused(const Receipt& receipt, std::string_view why) const {
    auto verified = verify_receipt(receipt, public_key_);
    ASSERT_FALSE(verified) << why;
    EXPECT_EQ(verified.error().code, Code::audit_broken);
    EXPECT_NE(verified.error().message.find(why), std::string::npos) << verified.error().message;
  }
};

TEST_F(ReceiptTest, EveryRecordHasOneThatVerifiesAlone) {
  ASSERT_GE(segments().size(), 3u);
  auto all = records();
  for (const StoredRecord& record : all) {
    std::string text = to_json(receipt_of(record.seq));
    EXPECT_LT(text.size(), 3000u);
    auto read_back = parse_receipt(text);
    ASSERT_TRUE(read_back) << read_back.error().message;
    EXPECT_EQ(read_back->line, record.line);
    EXPECT_TRUE(verify_receipt(*read_back, public_key_)) << record.seq;
  }
}

TEST_F(ReceiptTest, AnotherRecordDoesNotVerify) {
  const Receipt good = receipt_of(7);
  Receipt forged = good;
  forged.line.replace(forged.line.find("analyst"), 7, "auditor");
  expect_refused(forged, "was changed");
  // With its hash computed anew, as whoever wants to can.
  ChainPoint point{6, good.previous};
  std::string line;
  std::string members(split_line(good.line)->members);
  append_line(line, point, members.replace(members.find("analyst"), 7, "auditor"));
  forged.line = line.substr(0, line.size() - 1);
  expect_refused(forged, "not among those");
  forged = good;
  forged.line = receipt_of(6).line;
  forged.previous = receipt_of(6).previous;
  expect_refused(forged, "not among those");
  forged = good;
  forged.previous[3] ^= 1;
  expect_refused(forged, "was changed");
  forged = good;
  forged.path.pop_back();
  expect_refused(forged, "not among those");
}

TEST_F(ReceiptTest, EveryFieldOfTheHeadIsSigned) {
  const Receipt good = receipt_of(7);
  for (int field = 0; field < 6; ++field) {
    Receipt forged = good;
    if (field == 0) ++forged.head.point.seq;
    if (field == 1) forged.head.point.hash[0] ^= 1;
    if (field == 2) --forged.head.first_seq;
    if (field == 3) forged.head.root[0] ^= 1;
    if (field == 4) ++forged.head.time_us;
    if (field == 5) forged.head.signature.clear();
    expect_refused(forged, "not signed");
  }
  Receipt elsewhere = good;
  elsewhere.head = receipt_of(records().back().seq).head;
  expect_refused(elsewhere, "does not cover");
}

TEST_F(ReceiptTest, WhatIsNotThereHasNone) {
  EXPECT_EQ(make_receipt(directory_, 0).error().code, Code::not_found);
  EXPECT_EQ(make_receipt(directory_, 1000).error().code, Code::conflict);
  std::filesystem::remove(segment(0));
  EXPECT_EQ(make_receipt(directory_, 1).error().code, Code::not_found);
}

TEST_F(ReceiptTest, AChangedSegmentGivesNone) {
  auto lines = lines_of(segment());
  std::swap(lines[2], lines[3]);
  write_lines(segment(), lines);
  EXPECT_EQ(make_receipt(directory_, 2).error().code, Code::audit_broken);
  lines.resize(3);
  write_lines(segment(), lines);
  EXPECT_EQ(make_receipt(directory_, 2).error().code, Code::audit_broken);
}

TEST_F(ReceiptTest, OtherFilesAreNoReceipts) {
  std::string good = to_json(receipt_of(7));
  for (std::string text :
       {std::string(), std::string("{}"), std::string("[]"), std::string(kMaxReceiptBytes + 1, ' '),
        good.substr(0, good.size() / 2), std::string(R"({"format":2})")})
    EXPECT_EQ(parse_receipt(text).error().code, Code::audit_broken) << text.substr(0, 50);
}

}  // namespace
}  // namespace nae::audit
