#include "libnae/crypto/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "libnae/crypto/cloned_generator_test_environment.hpp"

namespace nae::crypto {
namespace {

using Block = std::array<Byte, 32>;

TEST(Random, FreshBytesDifferAndAreBounded) {
  Block a{}, b{};
  ASSERT_TRUE(fresh_random(a));
  ASSERT_TRUE(fresh_random(b));
  EXPECT_NE(a, b);
  Bytes most(256), more(257);
  EXPECT_TRUE(fresh_random(most));
  EXPECT_FALSE(fresh_random(more));
}

TEST(Random, MixingReachesEveryByteOfAnyLength) {
  for (std::size_t size : {0, 1, 5, 255, 256, 257, 1000}) {
    // Each byte differs in one of eight draws but for one time in 2^64.
    std::vector<bool> changed(size);
    for (int tries = 0; tries < 8; ++tries) {
      Bytes bytes(size, 7);
      ASSERT_TRUE(mix_fresh_random(bytes));
      for (std::size_t i = 0; i < size; ++i)
        if (bytes[i] != 7) changed[i] = true;
    }
    EXPECT_EQ(std::ranges::count(changed, false), 0) << size;
  }
}

TEST(Random, DiffersWhereTheGeneratorRepeatsItself) {
  testing::ClonedGenerator cloned;
  Block a{}, b{};
  ASSERT_TRUE(random_bytes(a));
  ASSERT_TRUE(random_bytes(b));
  EXPECT_NE(a, b);
}

TEST(Random, IsSeededAnew) {
  EXPECT_TRUE(reseed());
}

}  // namespace
}  // namespace nae::crypto
