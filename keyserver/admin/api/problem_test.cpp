#include "keyserver/admin/api/problem.hpp"

#include <gtest/gtest.h>

namespace nae::admin::api {
namespace {

TEST(ProblemTest, TravelsWhole) {
  Error error(Code::key_exists, "key \"a\" exists", "Pick another.");
  EXPECT_EQ(problem_from_json(409, problem_to_json(error)), error);
}

TEST(ProblemTest, CarriesTheCodesOwnHint) {
  Error read = problem_from_json(409, problem_to_json(Error(Code::key_exists, "key exists")));
  EXPECT_EQ(read.hint, row(Code::key_exists).hint);
}

TEST(ProblemTest, ForeignAnswersAreNamedByTheirStatus) {
  for (std::string_view body : {"", "<html>bad gateway</html>", "[]", "{}", R"({"detail":7)"}) {
    Error error = problem_from_json(502, body);
    EXPECT_EQ(error.code, Code::internal);
    EXPECT_NE(error.message.find("502"), std::string::npos) << body;
  }
}

TEST(ProblemTest, AnUnknownCodeKeepsItsText) {
  Error error = problem_from_json(418, R"({"detail":"short and stout","code":"teapot"})");
  EXPECT_EQ(error.code, Code::internal);
  EXPECT_EQ(error.message, "short and stout");
}

TEST(Problem, CarriesTheAnswerOfWhatWasDone) {
  const Error error(Code::timeout, "ks2 has not said so");
  const std::string body = problem_with_answer(error, 504, {{"name", "pii"}});
  EXPECT_EQ(problem_from_json(504, body).message, error.message);
  ASSERT_TRUE(answer_of_problem(body));
  EXPECT_EQ(answer_of_problem(body)->at("name"), "pii");
  EXPECT_FALSE(answer_of_problem(problem_to_json(error)));
  EXPECT_FALSE(answer_of_problem("no JSON"));
}

}  // namespace
}  // namespace nae::admin::api
