// Digests: FIPS 180-4 SHA-2, and SHA-1 for comparing with old digests only.
#pragma once

#include <array>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

inline constexpr std::size_t kSha256Bytes = 32;
using Sha256Digest = std::array<Byte, kSha256Bytes>;

// Code::unsupported when OpenSSL's configuration forbids the algorithm.
Result<Bytes> digest(HashAlgorithm algorithm, ByteView data);

Sha256Digest sha256(ByteView data);
// SHA-256 of `first` followed by `second`, without joining them: a link of the audit chain.
Sha256Digest sha256(ByteView first, ByteView second);

}  // namespace nae::crypto
