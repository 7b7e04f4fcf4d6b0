// Shamir's secret sharing (Communications of the ACM 22, 1979), byte by byte over GF(256) with the
// polynomial x^8 + x^4 + x^3 + x + 1 of AES (FIPS 197 section 4.2). Any k shares give the secret,
// k - 1 of them nothing at all.
//
// Arithmetic is a loop over bits: no table is looked up by a secret, no branch depends on one.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

struct Share {
  Byte x = 0;     // where the polynomials were evaluated; 1 to 255, the secret is at 0
  SecretBytes y;  // as long as the secret
};

// Fills with random bytes, for coefficients: as good as keys.
using RandomSource = std::function<Result<void>(ByteSpan)>;

// Shares x = 1 to n, of which any k give `secret` back. With k = 1 every share is the secret.
// Code::invalid_argument unless 1 <= k <= n <= 255 and `secret` has a byte; else what `random`
// says.
Result<std::vector<Share>> split_secret(const SecretBytes& secret, std::size_t k, std::size_t n,
                                        const RandomSource& random);

// The secret of exactly k shares. Shares of another secret, or fewer than k, give other bytes that
// nothing tells from the secret: whoever calls this checks each share, and what comes out.
// Code::invalid_argument without shares, when an x is 0 or occurs twice, or lengths differ.
Result<SecretBytes> combine_shares(std::span<const Share> shares);

}  // namespace nae::crypto
