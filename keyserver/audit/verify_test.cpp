#include "keyserver/audit/verify.hpp"

#include "keyserver/audit/hash_tree.hpp"
#include "keyserver/audit/test_log.hpp"

namespace nae::audit {
namespace {

// A log of 1 segment record and 9 requests, intact until the test lays hands on it.
class VerifyTest : public LogTest {
 protected:
  VerifyTest() { write_log(9); }

  // Every finding in order, so that a test also sees what is blamed without reason.
  std::vector<std::pair<Fault, std::uint64_t>> faults() const {
    std::vector<std::pair<Fault, std::uint64_t>> list;
    report_ = verified();
    for (const Finding& finding : report_.findings) list.emplace_back(finding.fault, finding.seq);
    return list;
  }
  using Faults = std::vector<std::pair<Fault, std::uint64_t>>;
  mutable VerifyReport report_;
};

TEST_F(VerifyTest, NothingIsBlamedOnAnIntactLog) {
  EXPECT_EQ(faults(), Faults{});
  EXPECT_EQ(report_.records, 10u);
  EXPECT_EQ(report_.first.seq, 1u);
  EXPECT_EQ(report_.last.seq, 10u);
  EXPECT_EQ(report_.head->point, report_.last);
}

TEST_F(LogTest, VerifyTellsHowMuchOfAllItHasRead) {
  write_log(30, 2000);
  std::uint64_t bytes = 0, segments = 0;
  auto listed = list_segments(directory_);
  ASSERT_TRUE(listed);
  for (const Segment& segment : *listed) {
    bytes += std::filesystem::file_size(segment.path);
    ++segments;
  }
  ASSERT_GT(segments, 2u);
  std::vector<std::uint64_t> told;
  ASSERT_TRUE(verify(directory_, {}, {}, [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_EQ(total, bytes);
    told.push_back(done);
    return true;
  }));
  EXPECT_EQ(told.size(), segments);
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), bytes);
}

TEST_F(LogTest, VerifyEndsWhenNoReportIsWanted) {
  write_log(30, 2000);
  int told = 0;
  auto report =
      verify(directory_, {}, {}, [&](std::uint64_t, std::uint64_t) { return ++told < 2; });
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::shutting_down);
  EXPECT_EQ(told, 2);
}

TEST_F(VerifyTest, AnEmptyDirectoryIsIntact) {
  std::filesystem::remove(segment());
  std::filesystem::remove(directory_ / kHeadFile);
  EXPECT_EQ(faults(), Faults{});
}

TEST_F(VerifyTest, AMissingDirectoryIsAFailure) {
  auto report = verify(directory_ / "missing");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::file_failed);
}

TEST_F(LogTest, EveryFlippedByteIsFound) {
  write_log(2);
  const std::string original = read(segment());
  ASSERT_TRUE(verify(directory_)->intact());
  for (std::size_t at = 0; at < original.size(); ++at) {
    std::string changed = original;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    write(segment(), changed);
    ASSERT_FALSE(verify(directory_)->intact()) << "offset " << at;
  }
}

TEST_F(VerifyTest, AChangedRecordIsNamed) {
  auto lines = lines_of(segment());
  lines[4].replace(lines[4].find("analyst"), 7, "auditor");
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::line_changed, 5}}));
  EXPECT_EQ(report_.findings[0].line, 5u);
  EXPECT_EQ(report_.findings[0].file, "audit-000000000001.jsonl");
}

TEST_F(VerifyTest, AChangedHashDoesNotBlameTheNextRecord) {
  auto lines = lines_of(segment());
  char& digit = lines[4][lines[4].size() - 5];
  digit = digit == '0' ? '1' : '0';
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::line_changed, 5}}));
}

TEST_F(VerifyTest, ARecomputedChainDoesNotReachTheSignedHead) {
  // Whoever can write the file can also compute hashes; the signature is what stops them.
  auto lines = lines_of(segment());
  std::string forged;
  ChainPoint point;
  for (std::string& line : lines) {
    auto parts = split_line(line);
    std::string members(parts->members);
    if (parts->seq == 5) members.replace(members.find("analyst"), 7, "auditor");
    append_line(forged, point, members);
  }
  write(segment(), forged);
  EXPECT_EQ(faults(), (Faults{{Fault::head_mismatch, 10}}));
}

TEST_F(VerifyTest, AForgedHeadIsNotSigned) {
  Head head = **read_head(directory_);
  auto lines = lines_of(segment());
  lines.resize(7);
  write_lines(segment(), lines);
  head.point = {7, split_line(lines.back())->hash};
  HashTree tree;
  for (const std::string& line : lines) tree.add(split_line(line)->hash);
  head.root = tree.root();
  ASSERT_TRUE(write_head(directory_, head));
  EXPECT_EQ(faults(), (Faults{{Fault::head_signature_wrong, 7}}));
  EXPECT_FALSE(report_.signature_checked);
  EXPECT_TRUE(verify(directory_)->intact()) << "without the public key it cannot be seen";
}

TEST_F(VerifyTest, EveryFieldOfTheHeadIsSigned) {
  const Head good = **read_head(directory_);
  auto check = [&](auto change) {
    Head head = good;
    change(head);
    ASSERT_TRUE(write_head(directory_, head));
    auto found = faults();
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found[0].first, Fault::head_signature_wrong);
  };
  check([](Head& head) { ++head.point.seq; });
  check([](Head& head) { head.point.hash[0] ^= 1; });
  check([](Head& head) { ++head.first_seq; });
  check([](Head& head) { head.root[0] ^= 1; });
  check([](Head& head) { ++head.time_us; });
  check([](Head& head) { head.signature.back() ^= 1; });
  check([](Head& head) { head.signature.clear(); });
}

TEST_F(VerifyTest, AKeyOfAnotherServerDoesNotVerify) {
  auto other = crypto::generate_p256();
  public_key_ = crypto::PublicKey::from_der(other->spki)->pem();
  EXPECT_EQ(faults(), (Faults{{Fault::head_signature_wrong, 10}}));
}

TEST_F(VerifyTest, AFileThatIsNoKeyIsAFailure) {
  auto report = verify(directory_, "-----BEGIN PUBLIC KEY-----\n");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::invalid_argument);
}

TEST_F(VerifyTest, ADeletedRecordIsMissed) {
  auto lines = lines_of(segment());
  lines.erase(lines.begin() + 4, lines.begin() + 6);
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::records_missing, 5}}));
  EXPECT_EQ(report_.findings[0].line, 5u);
}

TEST_F(VerifyTest, ADeletedFirstRecordIsMissed) {
  auto lines = lines_of(segment());
  lines.erase(lines.begin());
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::segment_misplaced, 2}}));
}

TEST_F(VerifyTest, AnInsertedRecordIsFound) {
  auto lines = lines_of(segment());
  lines.insert(lines.begin() + 5, lines[4]);
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::records_reordered, 5}}));
}

TEST_F(VerifyTest, SwappedRecordsAreFound) {
  auto lines = lines_of(segment());
  std::swap(lines[4], lines[5]);
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::records_missing, 5}, {Fault::records_reordered, 5}}));
}

TEST_F(VerifyTest, ALineOfSomethingElseIsMalformed) {
  auto lines = lines_of(segment());
  lines[4] = "{}";
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::line_malformed, 0}}));
  lines[4] = std::string(1 << 20, 'x');
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::line_malformed, 0}}));
  lines[4] = "";
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::line_malformed, 0}}));
}

TEST_F(VerifyTest, ACutTailIsMissed) {
  auto lines = lines_of(segment());
  lines.resize(8);
  write_lines(segment(), lines);
  EXPECT_EQ(faults(), (Faults{{Fault::tail_missing, 10}}));
}

TEST_F(VerifyTest, AFileCutInTheMiddleOfALineIsTorn) {
  std::filesystem::resize_file(segment(), std::filesystem::file_size(segment()) - 10);
  EXPECT_EQ(faults(), (Faults{{Fault::tail_torn, 0}, {Fault::tail_missing, 10}}));
}

TEST_F(VerifyTest, AnEmptiedLogIsMissed) {
  std::filesystem::resize_file(segment(), 0);
  EXPECT_EQ(faults(), (Faults{{Fault::tail_missing, 10}}));
  std::filesystem::remove(segment());
  EXPECT_EQ(faults(), (Faults{{Fault::tail_missing, 10}}));
}

TEST_F(VerifyTest, ADeletedHeadIsMissed) {
  std::filesystem::remove(directory_ / kHeadFile);
  EXPECT_EQ(faults(), (Faults{{Fault::head_missing, 0}}));
}

TEST_F(VerifyTest, AHeadOfSomethingElseIsMalformed) {
  for (std::string_view text :
       {"", "{}", "[]", "null", R"({"format":2})", R"({"format":1,"seq":-1})",
        R"({"format":1,"seq":1,"hash":"00","time_us":1,"signature":""})",
        R"({"format":1,"seq":"1","hash":7,"time_us":1,"signature":""})"}) {
    write(directory_ / kHeadFile, text);
    EXPECT_EQ(faults(), (Faults{{Fault::head_malformed, 0}})) << text;
  }
  write(directory_ / kHeadFile, std::string(1 << 20, '['));
  EXPECT_EQ(faults(), (Faults{{Fault::head_malformed, 0}}));
}

class VerifySegments : public LogTest {
 protected:
  VerifySegments() { write_log(20, 1500); }
};

TEST_F(VerifySegments, AreOneChain) {
  ASSERT_GE(segments().size(), 4u);
  auto report = verified();
  EXPECT_TRUE(report.intact()) << describe(report);
}

TEST_F(VerifySegments, ADeletedOneIsMissed) {
  auto second = segments()[1], third = segments()[2];
  std::filesystem::remove(second.path);
  auto report = verified();
  ASSERT_EQ(report.findings_total, 1u) << describe(report);
  EXPECT_EQ(report.findings[0].fault, Fault::records_missing);
  EXPECT_EQ(report.findings[0].seq, second.first_seq);
  EXPECT_EQ(report.findings[0].file, third.path.filename());
}

TEST_F(VerifySegments, TheFirstDeletedIsMissed) {
  std::filesystem::remove(segment(0));
  auto report = verified();
  ASSERT_EQ(report.findings_total, 1u) << describe(report);
  EXPECT_EQ(report.findings[0].fault, Fault::records_missing);
  EXPECT_EQ(report.findings[0].seq, 1u);
}

TEST_F(VerifySegments, TheLastDeletedIsMissed) {
  std::filesystem::remove(segments().back().path);
  auto report = verified();
  ASSERT_EQ(report.findings_total, 1u) << describe(report);
  EXPECT_EQ(report.findings[0].fault, Fault::tail_missing);
}

TEST_F(VerifySegments, ExchangedNamesAreFound) {
  std::filesystem::path second = segment(1), third = segment(2);
  std::filesystem::rename(second, directory_ / "x");
  std::filesystem::rename(third, second);
  std::filesystem::rename(directory_ / "x", third);
  auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.findings[0].fault, Fault::segment_misplaced);
}

TEST_F(VerifySegments, OneOfAnotherLogIsFound) {
  std::string foreign = read(segment(2));
  std::filesystem::path place = segment(2);
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  auto wanted = options();
  wanted.segment_bytes = 1500;
  auto log = open_log(wanted);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log->append(batch_of(1, "customer-xyz")));
  log = nullptr;
  ASSERT_TRUE(verified().intact());
  write(place, foreign);
  auto report = verified();
  ASSERT_FALSE(report.intact());
  EXPECT_EQ(report.findings[0].fault, Fault::segment_misplaced) << describe(report);
}

TEST_F(VerifySegments, EachClosedOneIsProvedAlone) {
  ASSERT_GE(segments().size(), 4u);
  for (std::size_t i = 0; i + 1 < segments().size(); ++i) {
    auto report = verify_segment(segment(i), public_key_);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->intact()) << describe(*report);
    EXPECT_TRUE(report->signature_checked);
    EXPECT_EQ(report->first.seq, segments()[i].first_seq);
    EXPECT_EQ(report->last.seq + 1, segments()[i + 1].first_seq);
    EXPECT_EQ(report->head->point, report->last);
  }
  auto newest = verify_segment(segments().back().path, public_key_);
  ASSERT_EQ(newest->findings_total, 1u);
  EXPECT_EQ(newest->findings[0].fault, Fault::head_missing);
}

TEST_F(VerifySegments, AnArchivedOneIsTamperedWith) {
  auto alone = [&] {
    auto report = *verify_segment(segment(1), public_key_);
    return report.findings.empty() ? std::string_view("intact") : name(report.findings[0].fault);
  };
  const auto original = lines_of(segment(1));
  const std::filesystem::path head_file = directory_ / segment_head_name(segments()[1].first_seq);
  const Head head = **read_head_file(head_file);
  ASSERT_EQ(alone(), "intact");
  auto lines = original;
  lines.pop_back();
  write_lines(segment(1), lines);
  EXPECT_EQ(alone(), "tail_missing");
  lines = original;
  lines[1].replace(lines[1].find("analyst"), 7, "auditor");
  write_lines(segment(1), lines);
  EXPECT_EQ(alone(), "line_changed");
  // Computed anew, down to the last hash.
  std::string forged;
  ChainPoint point{split_line(original[0])->seq - 1,
                   *previous_of_segment(*split_line(original[0]))};
  for (const std::string& line : original) {
    std::string members(split_line(line)->members);
    if (auto at = members.find("analyst"); at != std::string::npos)
      members.replace(at, 7, "auditor");
    append_line(forged, point, members);
  }
  write(segment(1), forged);
  EXPECT_EQ(alone(), "head_mismatch");
  write(segment(1), forged + forged.substr(0, forged.find('\n') + 1));
  EXPECT_NE(alone(), "intact");
  write_lines(segment(1), original);
  Head other = head;
  ++other.time_us;
  ASSERT_TRUE(write_head_file(head_file, other));
  EXPECT_EQ(alone(), "head_signature_wrong");
  EXPECT_FALSE(verified().intact()) << "nor is the whole";
  std::filesystem::remove(head_file);
  EXPECT_EQ(alone(), "head_missing");
  EXPECT_TRUE(verified().intact()) << "the newest head covers it";
}

TEST_F(VerifySegments, ARangeIsProvedByItsSegments) {
  const auto all = segments();
  VerifyScope scope;
  scope.from_seq = all[1].first_seq + 1;
  scope.to_seq = all[2].first_seq;
  std::filesystem::remove(all[0].path);  // archived elsewhere
  auto report = verify(directory_, public_key_, scope);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->intact()) << describe(*report);
  EXPECT_TRUE(report->signature_checked);
  EXPECT_EQ(report->segments, 2u);
  EXPECT_EQ(report->first.seq, all[1].first_seq);
  EXPECT_EQ(report->last.seq, all[3].first_seq - 1);
  EXPECT_EQ(report->head->point, report->last);

  std::filesystem::remove(directory_ / segment_head_name(all[2].first_seq));
  report = verify(directory_, public_key_, scope);
  EXPECT_TRUE(report->intact()) << describe(*report);
  EXPECT_EQ(report->segments, 3u) << "up to the next signed end";

  auto lines = lines_of(all[2].path);
  lines[1].replace(lines[1].find("analyst"), 7, "auditor");
  write_lines(all[2].path, lines);
  EXPECT_FALSE(verify(directory_, public_key_, scope)->intact());
  scope = {};
  scope.from_seq = 1;
  EXPECT_EQ(verify(directory_, public_key_, scope).error().code, Code::not_found);
  scope.from_seq = 10'000;
  EXPECT_FALSE(verify(directory_, public_key_, scope)->intact()) << "the change comes first";
}

TEST_F(VerifySegments, FindingsAreBoundedButCounted) {
  auto lines = lines_of(segment(0));
  std::vector<std::string> many(500, "nonsense");
  many.insert(many.begin(), lines[0]);
  write_lines(segment(0), many);
  auto report = verified();
  EXPECT_EQ(report.findings.size(), kMaxFindings);
  EXPECT_GT(report.findings_total, 500u);
}

// What docs/spec/audit.md shows is what this code verifies, and the other way round.
TEST_F(LogTest, TheExampleOfTheSpecificationVerifies) {
  const std::string page = read(NAE_SOURCE_DIR "/docs/spec/audit.md");
  constexpr std::string_view kOpening = "```jsonl\n";
  auto begin = page.find(kOpening) + kOpening.size();
  write(directory_ / segment_name(1), page.substr(begin, page.find("```", begin) - begin));
  auto report = verify(directory_);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->records, 3u);
  ASSERT_EQ(report->findings_total, 1u) << describe(*report);
  EXPECT_EQ(report->findings[0].fault, Fault::head_missing);
  EXPECT_EQ(records().size(), 3u);
}

TEST_F(LogTest, ALogBeingWrittenIsNotCalledTorn) {
  auto log = open_log();
  ASSERT_TRUE(log->append(batch_of(3)));
  ASSERT_TRUE(log->sign_head());
  std::ofstream(segment(), std::ios::app) << R"({"seq":5,"ti)";
  EXPECT_TRUE(verified().intact()) << "a server holds the lock: the line is on its way";
  std::filesystem::resize_file(segment(), std::filesystem::file_size(segment()) - 12);
}

}  // namespace
}  // namespace nae::audit
