#include "libnae/crypto/running_hash.hpp"

#include <gtest/gtest.h>

namespace nae::crypto {
namespace {

TEST(RunningHash, IsThatOfTheWhole) {
  Bytes whole(1000);
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<Byte>(i * 7);
  for (const std::size_t piece : {1u, 63u, 64u, 65u, 1000u}) {
    RunningHash hash;
    for (std::size_t at = 0; at < whole.size(); at += piece)
      hash.add(ByteView(whole).subspan(at, std::min(piece, whole.size() - at)));
    EXPECT_EQ(hash.finish(), sha256(whole)) << piece;
  }
}

TEST(RunningHash, OfNothing) {
  EXPECT_EQ(RunningHash().finish(), sha256({}));
}

}  // namespace
}  // namespace nae::crypto
