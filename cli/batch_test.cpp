#include "cli/batch.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace nae::cli {
namespace {

using Words = std::vector<std::string>;

TEST(BatchTest, WordsAreAsAShellMakesThem) {
  EXPECT_EQ(split_words("key show a").value(), (Words{"key", "show", "a"}));
  EXPECT_EQ(split_words("  key\t show\r ").value(), (Words{"key", "show"}));
  EXPECT_EQ(split_words("'a b' \"c d\" e\\ f").value(), (Words{"a b", "c d", "e f"}));
  EXPECT_EQ(split_words("a'b'\"c\"").value(), Words{"abc"});
  EXPECT_EQ(split_words("'' \"\"").value(), (Words{"", ""}));
  EXPECT_EQ(split_words("\"a\\\"b\\\\c\\d\"").value(), Words{"a\"b\\c\\d"});
  EXPECT_EQ(split_words("'a\\'").value(), Words{"a\\"});
  EXPECT_EQ(split_words("$HOME * `x`").value(), (Words{"$HOME", "*", "`x`"})) << "no shell runs";
  EXPECT_EQ(split_words("").value(), Words{});
  EXPECT_EQ(split_words("a\\").value(), Words{"a\\"});
}

TEST(BatchTest, AQuoteThatDoesNotEndIsRefused) {
  for (const char* line : {"'", "\"", "a 'b", "a \"b\\\"", "''\"'"})
    EXPECT_EQ(split_words(line).error().code, Code::invalid_argument) << line;
}

class BatchRunTest : public ::testing::Test {
 protected:
  ExitCode run(const std::string& lines, bool json, bool stop = false) {
    std::istringstream in(lines);
    return run_batch(in, {out_, err_, json, stop},
                     [this](Words words, std::ostream& out, std::ostream& err) {
                       asked_.push_back(words.front());
                       if (words.front() == "fails")
                         err << "nae: no\n";
                       else
                         out << R"({"is":"it"})" << '\n';
                       return words.front() == "fails" ? 4 : 0;
                     });
  }
  std::ostringstream out_, err_;
  Words asked_;
};

TEST_F(BatchRunTest, TheFirstFailureIsTheExitCodeAndNamesItsLine) {
  EXPECT_EQ(run("one\n\n# no\nfails\n'\nnae two\n", false), kServerFailed);
  EXPECT_EQ(asked_, (Words{"one", "fails", "two"}));
  EXPECT_EQ(err_.str(), "line 4: nae: no\nline 5: nae: a quote does not end\n");
  EXPECT_EQ(run("one\ntwo", false), kOk) << "the last line needs no end";
}

TEST_F(BatchRunTest, AsJsonEachLineIsOneObject) {
  EXPECT_EQ(run("one\nfails\nbatch\npolicy apply -\n", true), kServerFailed);
  EXPECT_EQ(err_.str(), "");
  std::istringstream lines(out_.str());
  std::string line;
  std::vector<std::string> got;
  while (std::getline(lines, line)) got.push_back(line);
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0], R"({"line":1,"exit":0,"answer":{"is":"it"}})");
  EXPECT_EQ(got[1], R"({"line":2,"exit":4,"error":"nae: no\n"})");
  EXPECT_NE(got[2].find("a batch runs no batch"), std::string::npos);
  EXPECT_NE(got[3].find("standard input is the batch's own"), std::string::npos);
  EXPECT_EQ(asked_, (Words{"one", "fails"})) << "what is refused does not run";
}

TEST_F(BatchRunTest, StopEndsAtTheFirstFailure) {
  EXPECT_EQ(run("one\nfails\ntwo\n", true, true), kServerFailed);
  EXPECT_EQ(asked_, (Words{"one", "fails"}));
}

TEST_F(BatchRunTest, ALineIsBounded) {
  EXPECT_EQ(run("x " + std::string((64u << 10) - 2, 'y') + "\n", true), kOk);
  EXPECT_EQ(run("x " + std::string((64u << 10) - 1, 'y') + "\n", true), kUsage);
}

}  // namespace
}  // namespace nae::cli
