#include "cli/audit_witnesses.hpp"

#include <sstream>

#include "keyserver/audit/test_log.hpp"
#include "keyserver/audit/witness.hpp"
#include "libnae/base/text.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;
using audit::ChainPoint;
using audit::kTestTimeUs;

// The log of ks1, and that of ks2, which tells of it.
class AuditWitnesses : public audit::LogTest {
 protected:
  AuditWitnesses() : witness_(directory_ / "of-ks2") {
    std::filesystem::create_directory(witness_);
    directory_ /= "of-ks1";
    std::filesystem::create_directory(directory_);
  }
  ~AuditWitnesses() override { std::filesystem::remove_all(directory_.parent_path()); }

  ChainPoint newest() const {
    const auto found = audit::verify(directory_, public_key_);
    return found ? found->last : ChainPoint{};
  }
  void say(const std::filesystem::path& directory, std::string_view event,
           const std::string& detail, std::int64_t time_us) const {
    audit::LogOptions wanted = options();
    wanted.directory = directory;
    const auto log = open_log(wanted);
    audit::Batch batch;
    batch.add(audit::EventRecord{time_us, event, detail});
    ASSERT_TRUE(log->append(batch));
  }
  void tell(const std::string& node, const ChainPoint& point, std::int64_t time_us) const {
    say(witness_, audit::kWitnessEvent, audit::witness_details({{node, point}}).front(), time_us);
  }
  static std::string loss_of(const ChainPoint& point) {
    return "accepted by uid 0: the disk died; " + std::string(audit::kLostPoint) +
           std::to_string(point.seq) + " (" + to_hex(point.hash) + "), of it 0 records were found";
  }
  void lose() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  json::value compared(std::optional<std::uint64_t> signed_seq = {}) {
    std::vector<NodeLog> logs(2);
    logs[0].node = "ks1";
    logs[0].directory = directory_;
    logs[0].signed_seq = signed_seq;
    logs[1].node = "ks2";
    logs[1].directory = witness_;
    return compare_witnesses(call_, logs);
  }
  static std::string faults(const json::value& report) {
    std::string text;
    for (const json::value& finding : items(report, "findings"))
      text += shown(finding, "fault") + " ";
    return text;
  }

  std::filesystem::path witness_;
  std::ostringstream out_, err_;
  const Terminal terminal_{};
  Call call_{out_, err_, terminal_, {}};
};

TEST_F(AuditWitnesses, ALogThatSaysAnywhereThatItWasLostExcusesNothing) {
  write_log(10);
  tell("ks1", newest(), kTestTimeUs);
  lose();
  write_log(3);
  say(directory_, audit::kLossEvent, loss_of({10, {}}), 4'070'908'800'000'000);  // 2099
  const json::value report = compared();
  EXPECT_EQ(faults(report), "loss_misplaced record_absent ");
  EXPECT_EQ(shown(report, "of_lost_logs"), "0");
  EXPECT_TRUE(items(report, "losses").empty());
}

TEST_F(AuditWitnesses, ALossAtTheBeginningIsTakenAndTold) {
  write_log(10);
  const ChainPoint lost = newest();
  tell("ks1", lost, kTestTimeUs);
  lose();
  say(directory_, audit::kLossEvent, loss_of(lost), kTestTimeUs + 1);
  const json::value report = compared(newest().seq);
  EXPECT_EQ(faults(report), "");
  EXPECT_EQ(shown(report, "of_lost_logs"), "1");
  ASSERT_EQ(items(report, "losses").size(), 1u);
  EXPECT_EQ(shown(items(report, "losses")[0], "node"), "ks1");
  EXPECT_EQ(shown(items(report, "losses")[0], "time"), "2023-11-14T22:13:20.123457Z");
  EXPECT_EQ(shown(items(report, "losses")[0], "detail"), loss_of(lost));
  EXPECT_EQ(shown(items(report, "losses")[0], "signature_checked"), "true");
  const json::value without_key = compared();
  ASSERT_EQ(items(without_key, "losses").size(), 1u);
  EXPECT_EQ(shown(items(without_key, "losses")[0], "signature_checked"), "false");
}

TEST_F(AuditWitnesses, ALossThatNoSignatureCoversExcusesNothing) {
  write_log(10);
  const ChainPoint lost = newest();
  tell("ks1", lost, kTestTimeUs);
  lose();
  say(directory_, audit::kLossEvent, loss_of(lost), kTestTimeUs + 1);
  EXPECT_EQ(faults(compared(1)), "loss_unsigned record_absent ");
  EXPECT_EQ(faults(compared(0)), "loss_unsigned record_absent ");
}

TEST_F(AuditWitnesses, WhatWasSeenOfTheNewLogIsComparedWhateverTheClocksSay) {
  write_log(10);
  const ChainPoint lost = newest();
  tell("ks1", {4, {}}, kTestTimeUs + 50);  // the clock of ks2 is ahead
  tell("ks1", lost, kTestTimeUs + 51);
  lose();
  say(directory_, audit::kLossEvent, loss_of(lost), kTestTimeUs + 1);
  tell("ks1", {2, {}}, kTestTimeUs - 50);  // and then behind
  const json::value report = compared(newest().seq);
  EXPECT_EQ(shown(report, "of_lost_logs"), "2");
  EXPECT_EQ(faults(report), "record_differs ");
}

TEST_F(AuditWitnesses, WhereTheNewestOfTheLostLogWasNotSeenTheTimesDecide) {
  tell("ks1", {4, {}}, kTestTimeUs);
  tell("ks1", {2, {}}, kTestTimeUs + 2);
  say(directory_, audit::kLossEvent, loss_of({9, {}}), kTestTimeUs + 1);
  const json::value report = compared(newest().seq);
  EXPECT_EQ(shown(report, "of_lost_logs"), "1");
  EXPECT_EQ(faults(report), "record_differs ");
}

TEST_F(AuditWitnesses, ALogIsNoWitnessOfItself) {
  say(directory_, audit::kWitnessEvent, audit::witness_details({{"ks1", {1, {}}}}).front(),
      kTestTimeUs);
  EXPECT_EQ(faults(compared()), "witness_malformed ");
}

// Answers every comparison so, and has no records.
class AnsweringServer final : public Server {
 public:
  explicit AnsweringServer(std::string answer) : answer_(std::move(answer)) {}
  Outcome<json::value> call(const char*, const std::string& path, const json::object&) override {
    return json::parse(path == "/v1/audit/compare" ? answer_ : R"({"lines":[],"next":null})");
  }
  const std::filesystem::path& authority() const override { return authority_; }

 private:
  std::string answer_;
  std::filesystem::path authority_;
};

TEST_F(AuditWitnesses, AnAnswerOfAnotherFormIsNotOneThatAllFits) {
  const std::string hash(64, 'a');
  tell("ks1", {1, {}}, kTestTimeUs);
  for (const auto& [answer, read] : std::vector<std::pair<std::string, bool>>{
           {R"({"archived":0,"absent":[],"others":[]})", true},
           {R"({"archived":0,"absent":[],"others":[{"seq":1,"hash":")" + hash + R"("}]})", true},
           {"{}", false},
           {"[]", false},
           {R"({"absent":[],"others":[]})", false},
           {R"({"archived":0,"others":[]})", false},
           {R"({"archived":0,"absent":[]})", false},
           {R"({"archived":"0","absent":[],"others":[]})", false},
           {R"({"archived":0,"absent":{},"others":[]})", false},
           {R"({"archived":0,"absent":["1"],"others":[]})", false},
           {R"({"archived":0,"absent":[-1],"others":[]})", false},
           {R"({"archived":0,"absent":[],"others":[1]})", false},
           {R"({"archived":0,"absent":[],"others":[{"hash":")" + hash + R"("}]})", false},
           {R"({"archived":0,"absent":[],"others":[{"seq":1,"hash":"aa"}]})", false}}) {
    std::vector<NodeLog> logs(2);
    logs[0].node = "ks1";
    logs[0].server = std::make_unique<AnsweringServer>(answer);
    logs[1].node = "ks2";
    logs[1].directory = witness_;
    compare_witnesses(call_, logs);
    EXPECT_EQ(!logs[0].unread, read) << answer;
    if (logs[0].unread) {
      EXPECT_EQ(logs[0].unread->error.code, Code::internal);
      EXPECT_NE(logs[0].unread->error.message.find("ks1"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace nae::cli
