// What a doctor says: its exit code, its lines, and that nothing it names forges another line.
#include "libnae/doctor/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace nae::doctor {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string text_of(const Report& report) {
  std::ostringstream out;
  report.print(out);
  return out.str();
}
std::string json_of(const Report& report) {
  std::ostringstream out;
  report.print_json(out);
  return out.str();
}

TEST(Report, FailsForErrorsAlone) {
  Report report;
  EXPECT_EQ(report.exit_code(), 0) << "nothing was looked at";
  report.good("store");
  report.found(Finding::not_allowed_to_look, "policy");
  report.found(Finding::clock_differs, "clock", "3 s");
  EXPECT_EQ(report.exit_code(), 0);
  EXPECT_THAT(json_of(report), StartsWith(R"({"worst":"warning")"));
  report.found(Finding::hsm_away, "hsm");
  report.good("audit log");
  EXPECT_EQ(report.exit_code(), 1);
  EXPECT_THAT(json_of(report), StartsWith(R"({"worst":"error")"));
}

TEST(Report, SaysWhatIsWrongAndWhatMendsIt) {
  Report report;
  report.good("clock", "0.1 s apart");
  report.found(Finding::secret_open, "/etc/nae/db1.key", "mode 0644");
  report.found(Finding::hsm_away, "hsm");
  EXPECT_EQ(text_of(report),
            "ok       clock: 0.1 s apart\n"
            "error    ND105 /etc/nae/db1.key: others than its owner may open the secret (mode "
            "0644)\n"
            "         mend: " +
                std::string(row(Finding::secret_open).remedy) +
                "\n"
                "error    ND302 hsm: the HSM is away\n"
                "         mend: " +
                std::string(row(Finding::hsm_away).remedy) +
                "\n"
                "next: in each database: SELECT * FROM nae.lint()\n");
}

TEST(Report, WhatComesFromElsewhereForgesNoLine) {
  Report report;
  report.good("a\nok       forged", "\x1b[2J\r\"");
  const std::string text = text_of(report);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  const std::string json = json_of(report);
  EXPECT_EQ(std::ranges::count(json, '\n'), 1) << json;
  EXPECT_THAT(json, Not(HasSubstr("\x1b")));
  EXPECT_THAT(json, HasSubstr("\\\""));
}

TEST(Report, AnEmptyOneIsGood) {
  EXPECT_EQ(json_of(Report()),
            "{\"worst\":\"ok\",\"checks\":[],\"next\":\"in each database: SELECT * FROM "
            "nae.lint()\"}\n");
}

TEST(Finding, EachHasItsOwnRow) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Finding::count_); ++i) {
    const auto finding = static_cast<Finding>(i);
    EXPECT_EQ(row(finding).finding, finding);
    EXPECT_THAT(std::string(row(finding).code), testing::MatchesRegex("ND[1-9][0-9][0-9]"));
  }
  EXPECT_THROW(row(Finding::count_), std::out_of_range);
}

}  // namespace
}  // namespace nae::doctor
