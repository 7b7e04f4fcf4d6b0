#include <gtest/gtest.h>

#include <sstream>

#include "cli/run.hpp"

namespace nae::cli {
namespace {

struct Ran {
  int code = 0;
  std::string err;
};
Ran run_verify(std::vector<std::string> words) {
  words.insert(words.begin(), {"audit", "verify"});
  std::ostringstream out, err;
  const int code = run(std::move(words), out, err);
  return {code, err.str()};
}

// The copies need not be there: keys are looked at first.
TEST(VerifySeveral, AKeyThatIsForNoCopyIsRefused) {
  const Ran ran = run_verify({"--directory", "ks1=/nowhere/1", "--public-key", "ks2=/nowhere/k"});
  EXPECT_NE(ran.err.find("ks2=/nowhere/k is for no --directory"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("invalid_argument"), std::string::npos) << ran.err;
  EXPECT_NE(ran.code, 0);
}

TEST(VerifySeveral, OneNodeHasOneKeyAndOneIsWithoutAName) {
  const Ran twice = run_verify({"--directory", "ks1=/nowhere/1", "--public-key", "ks1=/nowhere/a",
                                "--public-key", "ks1=/nowhere/b"});
  EXPECT_NE(twice.err.find("ks1 has two public keys"), std::string::npos) << twice.err;
  const Ran plain = run_verify({"--directory", "ks1=/nowhere/1", "--public-key", "/nowhere/a",
                                "--public-key", "/nowhere/b"});
  EXPECT_NE(plain.err.find("two public keys have no name"), std::string::npos) << plain.err;
  const Ran good = run_verify({"--directory", "ks1=/nowhere/1", "--public-key", "/nowhere/a",
                               "--public-key", "ks1=/nowhere/b"});
  EXPECT_EQ(good.err.find("invalid_argument"), std::string::npos) << good.err;
}

}  // namespace
}  // namespace nae::cli
