#include "cli/awaited_proof.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <thread>
#include <vector>

namespace nae::cli {
namespace {

// A server that answers as it was told, one answer after the other.
class ToldServer final : public Server {
 public:
  explicit ToldServer(std::vector<Outcome<json::value>> answers) : answers_(std::move(answers)) {}

  Outcome<json::value> call(const char* method, const std::string& path,
                            const json::object&) override {
    asked_.push_back(std::string(method) + " " + path);
    if (asked_.size() > answers_.size())
      return tl::unexpected<Failure>(Error(Code::internal, "asked too often"));
    if (before_answer_.count() > 0) std::this_thread::sleep_for(before_answer_);
    return answers_[asked_.size() - 1];
  }
  const std::filesystem::path& authority() const override { return authority_; }

  std::vector<std::string> asked_;
  std::chrono::milliseconds before_answer_{0};  // as a server that waits for the proof

 private:
  std::vector<Outcome<json::value>> answers_;
  std::filesystem::path authority_;
};

json::value running(std::int64_t read, std::int64_t all) {
  return json::object{{"running", true}, {"bytes_read", read}, {"bytes", all}};
}
Outcome<json::value> refused(Code code) {
  return tl::unexpected<Failure>(Failure(Error(code, "no"), true));
}
const json::value kReport = json::object{{"intact", true}};

TEST(AwaitedProof, IsAskedForUntilItIsThere) {
  ToldServer server(
      {running(0, 0), running(1'000'000, 9'000'000), running(5'000'000, 9'000'000), kReport});
  std::ostringstream err;
  auto report = awaited_proof(server, "7", "", err, false);
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, kReport);
  EXPECT_EQ(server.asked_, std::vector<std::string>(4, "GET /v1/audit/verify?from=7&wait_s=30"));
  EXPECT_EQ(err.str(), "") << "nobody looks";
}

TEST(AwaitedProof, TellsHowFarItIs) {
  ToldServer server({running(1'000'000, 90'000'000), running(30'000'000, 90'000'000), kReport});
  server.before_answer_ = std::chrono::milliseconds(600);  // progress is told twice a second
  std::ostringstream err;
  ASSERT_TRUE(awaited_proof(server, "", "", err, true));
  EXPECT_NE(err.str().find("30 of 90 MB, 33 %"), std::string::npos) << err.str();
  EXPECT_EQ(server.asked_[0], "GET /v1/audit/verify?wait_s=3");
}

TEST(AwaitedProof, GoesOnWhenSomebodyElseComesBetween) {
  ToldServer server({running(0, 9), refused(Code::overloaded), refused(Code::overloaded),
                     running(3, 9), refused(Code::overloaded), kReport});
  std::ostringstream err;
  auto report = awaited_proof(server, "", "", err, false);
  ASSERT_TRUE(report);
  EXPECT_EQ(*report, kReport);
}

TEST(AwaitedProof, EveryOtherRefusalIsTheAnswer) {
  std::ostringstream err;
  ToldServer busy({refused(Code::overloaded), kReport});
  EXPECT_EQ(awaited_proof(busy, "", "", err, false).error().error.code, Code::overloaded)
      << "before it began it is not ours that runs";
  ToldServer denied({running(0, 9), refused(Code::admin_role_missing), kReport});
  EXPECT_EQ(awaited_proof(denied, "", "", err, false).error().error.code, Code::admin_role_missing);
  std::vector<Outcome<json::value>> answers(8, refused(Code::overloaded));
  answers[0] = running(0, 9);
  ToldServer always(answers);
  EXPECT_EQ(awaited_proof(always, "", "", err, false).error().error.code, Code::overloaded);
  EXPECT_EQ(always.asked_.size(), 5u);
}

}  // namespace
}  // namespace nae::cli
