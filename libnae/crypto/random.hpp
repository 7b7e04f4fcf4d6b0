// Random bytes that are no key: salts, serial numbers, identifiers. Keys and random values that
// callers ask for come from the HSM.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// From OpenSSL's DRBG (NIST SP 800-90A), seeded by the kernel, and mixed with fresh_random().
// Code::internal when it cannot.
Result<void> random_bytes(ByteSpan out);

// Whatever generator of a process is in its memory, and two that were resumed from one image of it
// draw the same. So this is drawn from outside: from the kernel and, because two machines resumed
// from one snapshot may have the same kernel too, from the processor where it has a generator. At
// most 256 bytes, the size that the kernel fills without interruption.
Result<void> fresh_random(ByteSpan out);
// Adds fresh_random() to what `out` holds.
Result<void> mix_fresh_random(ByteSpan out);
// Seeds OpenSSL's generators anew: every one of this process, a SoftHSM's in it too.
Result<void> reseed();

}  // namespace nae::crypto
