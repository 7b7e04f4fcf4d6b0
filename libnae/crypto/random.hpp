// Random bytes that are no key: salts, serial numbers, identifiers. Keys and random values that
// callers ask for come from the HSM.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// From OpenSSL's DRBG (NIST SP 800-90A), seeded by the kernel. Code::internal when it cannot.
Result<void> random_bytes(ByteSpan out);

}  // namespace nae::crypto
