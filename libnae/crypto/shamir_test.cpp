#include "libnae/crypto/shamir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bitset>

#include "libnae/crypto/secure_heap_test_environment.hpp"
#include "tests/vectors/vector_file.hpp"

namespace nae::crypto {
namespace {

[[maybe_unused]] const auto* const kHeap = take_secure_heap_for_tests();

SecretBytes secret_of(ByteView bytes) {
  SecretBytes secret(bytes.size());
  std::ranges::copy(bytes, secret.expose_for_writing().begin());
  return secret;
}
Share copy_of(const Share& share) {
  return {share.x, secret_of(share.y.expose())};
}

Result<void> counting(ByteSpan out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Byte>(0x5B * (i + 7));
  return {};
}
// One byte of each coefficient, the lowest first.
RandomSource fixed(std::vector<Byte> coefficients) {
  return [coefficients](ByteSpan out) -> Result<void> {
    EXPECT_EQ(out.size(), coefficients.size());
    std::ranges::copy(coefficients, out.begin());
    return {};
  };
}

// The shares that `mask` chooses.
std::vector<Share> chosen(const std::vector<Share>& shares, unsigned mask) {
  std::vector<Share> some;
  for (std::size_t i = 0; i < shares.size(); ++i)
    if (mask >> i & 1) some.push_back(copy_of(shares[i]));
  return some;
}

TEST(Shamir, TheSharesOfSlip39sReferenceGiveTheirSecret) {
  std::size_t combined = 0;
  for (const auto& v : vectors::read("shamir.txt")) {
    std::vector<Share> shares;
    for (unsigned x = 1; x <= v.number("n"); ++x)
      shares.push_back({static_cast<Byte>(x), secret_of(v.bytes("y" + std::to_string(x)))});
    for (unsigned mask = 0; mask < 1u << shares.size(); ++mask) {
      if (std::bitset<16>(mask).count() != v.number("k")) continue;
      const auto secret = combine_shares(chosen(shares, mask));
      ASSERT_TRUE(secret) << secret.error().message;
      EXPECT_TRUE(std::ranges::equal(secret->expose(), v.bytes("secret"))) << v.line;
      ++combined;
    }
  }
  EXPECT_EQ(combined, 86u) << "every choice of k of n";
}

// The polynomial of a vector is determined: drawn again, it gives the reference's shares.
TEST(Shamir, SplitsAsTheReferenceDoes) {
  for (const auto& v : vectors::read("shamir.txt")) {
    const auto shares = split_secret(secret_of(v.bytes("secret")), v.number("k"), v.number("n"),
                                     [&](ByteSpan out) -> Result<void> {
                                       const Bytes drawn = v.bytes("coefficients");
                                       EXPECT_EQ(out.size(), drawn.size());
                                       std::ranges::copy(drawn, out.begin());
                                       return {};
                                     });
    ASSERT_TRUE(shares);
    for (const Share& share : *shares)
      EXPECT_TRUE(std::ranges::equal(share.y.expose(), v.bytes("y" + std::to_string(share.x))))
          << v.line << " x " << int{share.x};
  }
}

TEST(Shamir, AnyKOfNGiveTheSecretAndFewerDoNot) {
  const Bytes bytes{0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF};
  for (std::size_t n = 1; n <= 6; ++n)
    for (std::size_t k = 1; k <= n; ++k) {
      const auto shares = split_secret(secret_of(bytes), k, n, counting);
      ASSERT_TRUE(shares);
      for (unsigned mask = 1; mask < 1u << n; ++mask) {
        const auto got = combine_shares(chosen(*shares, mask));
        ASSERT_TRUE(got);
        EXPECT_EQ(std::ranges::equal(got->expose(), bytes), std::bitset<16>(mask).count() >= k)
            << k << " of " << n << ", mask " << mask;
      }
    }
}

TEST(Shamir, TheMostSharesThereCanBe) {
  const Bytes bytes{0xA5, 0};
  const auto shares = split_secret(secret_of(bytes), 255, 255, counting);
  ASSERT_TRUE(shares);
  EXPECT_EQ(shares->back().x, 255);
  EXPECT_TRUE(std::ranges::equal(combine_shares(*shares)->expose(), bytes));
}

// Perfect secrecy, by counting: whatever the secret, over all polynomials the k - 1 shares that
// somebody has take every value equally often, so that they tell nothing.
TEST(Shamir, OneShareOfTwoTellsNothing) {
  for (unsigned secret = 0; secret < 256; ++secret) {
    std::array<std::bitset<256>, 4> seen;
    for (unsigned a = 0; a < 256; ++a) {
      const auto shares = split_secret(secret_of(Bytes{static_cast<Byte>(secret)}), 2, 4,
                                       fixed({static_cast<Byte>(a)}));
      for (std::size_t i = 0; i < 4; ++i) seen[i].set((*shares)[i].y.expose()[0]);
    }
    for (const auto& values : seen) ASSERT_TRUE(values.all()) << secret;
  }
}

TEST(Shamir, TwoSharesOfThreeTellNothing) {
  for (const Byte secret : {Byte{0}, Byte{1}, Byte{0xC3}}) {
    std::vector<bool> first(1u << 16), others(1u << 16);
    for (unsigned a = 0; a < 256; ++a)
      for (unsigned b = 0; b < 256; ++b) {
        const auto shares = split_secret(secret_of(Bytes{secret}), 3, 3,
                                         fixed({static_cast<Byte>(a), static_cast<Byte>(b)}));
        const auto y = [&](std::size_t i) { return std::size_t{(*shares)[i].y.expose()[0]}; };
        first[y(0) << 8 | y(1)] = true;
        others[y(1) << 8 | y(2)] = true;
      }
    EXPECT_EQ(std::ranges::count(first, true), 1 << 16) << int{secret};
    EXPECT_EQ(std::ranges::count(others, true), 1 << 16) << int{secret};
  }
}

TEST(Shamir, RefusesWhatIsNoQuorum) {
  const Bytes bytes{1, 2};
  struct {
    std::size_t k, n;
  } const refused[] = {{0, 1}, {0, 0}, {2, 1}, {1, 256}, {256, 256}};
  for (const auto& row : refused) {
    const auto shares = split_secret(secret_of(bytes), row.k, row.n, counting);
    ASSERT_FALSE(shares) << row.k << " of " << row.n;
    EXPECT_EQ(shares.error().code, Code::invalid_argument);
  }
  EXPECT_FALSE(split_secret(SecretBytes(), 2, 3, counting));
}

TEST(Shamir, RefusesSharesThatCannotBeOfOneSecret) {
  const auto shares = *split_secret(secret_of(Bytes{1, 2}), 2, 3, counting);
  const auto refusal = [](std::vector<Share> some) {
    const auto got = combine_shares(some);
    EXPECT_FALSE(got);
    return got ? Code::internal : got.error().code;
  };
  EXPECT_EQ(refusal({}), Code::invalid_argument);
  std::vector<Share> twice = chosen(shares, 0b011);
  twice.push_back(copy_of(shares[0]));
  EXPECT_EQ(refusal(std::move(twice)), Code::invalid_argument);
  std::vector<Share> zero = chosen(shares, 0b011);
  zero[1].x = 0;
  EXPECT_EQ(refusal(std::move(zero)), Code::invalid_argument);
  std::vector<Share> longer = chosen(shares, 0b011);
  longer[1].y = secret_of(Bytes{1, 2, 3});
  EXPECT_EQ(refusal(std::move(longer)), Code::invalid_argument);
}

TEST(Shamir, WithoutRandomnessThereAreNoShares) {
  const auto shares = split_secret(secret_of(Bytes{1}), 2, 2, [](ByteSpan) -> Result<void> {
    return fail(Code::hsm_failed, "no generator");
  });
  ASSERT_FALSE(shares);
  EXPECT_EQ(shares.error().code, Code::hsm_failed);
}

}  // namespace
}  // namespace nae::crypto
