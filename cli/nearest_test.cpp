#include "cli/nearest.hpp"

#include <gtest/gtest.h>

namespace nae::cli {
namespace {

const std::vector<std::string> kWords = {"key", "policy", "device", "admin", "audit", "status"};

TEST(NearestTest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("kye", kWords), "key");        // swapped
  EXPECT_EQ(nearest("keys", kWords), "key");       // one more
  EXPECT_EQ(nearest("polcy", kWords), "policy");   // one less
  EXPECT_EQ(nearest("davice", kWords), "device");  // another
  EXPECT_EQ(nearest("adit", kWords), "audit");
  EXPECT_EQ(nearest("sttaus", kWords), "status");
}

TEST(NearestTest, GuessesNothingThatIsFar) {
  EXPECT_EQ(nearest("frobnicate", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("x", kWords), "");
  EXPECT_EQ(nearest("ke", {"do"}), "");  // every letter is another
  EXPECT_EQ(nearest("key", {}), "");
  EXPECT_EQ(nearest("abc", {"axy"}), "");  // two changes in three letters
  EXPECT_EQ(nearest("abcd", {"axyd"}), "axyd");
}

TEST(NearestTest, IsBoundedInLength) {
  const std::string word(64, 'a');
  EXPECT_EQ(nearest(word, {word}), word);
  EXPECT_EQ(nearest(word + "a", {word}), "");
}

}  // namespace
}  // namespace nae::cli
