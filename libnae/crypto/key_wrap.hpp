// AES-KWP: RFC 5649, KWP-AE and KWP-AD of NIST SP 800-38F.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

// `by`: 32 bytes. The result is `key` and 8 bytes, filled up to a multiple of 8.
// Code::invalid_argument for an empty key.
Result<Bytes> wrap_kwp(const SecretBytes& by, ByteView key);

// Code::authentication_failed unless `by` wrapped exactly that.
Result<SecretBytes> unwrap_kwp(const SecretBytes& by, ByteView wrapped);

}  // namespace nae::crypto
