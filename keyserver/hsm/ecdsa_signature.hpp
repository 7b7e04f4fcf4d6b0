// ECDSA signatures: PKCS#11 answers r and s side by side (section 2.3.1), everybody else wants DER.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::hsm {

// Ecdsa-Sig-Value (RFC 3279 section 2.2.3). Code::hsm_failed when `raw` is not two numbers of one
// length up to 48 bytes, P-384's.
Result<Bytes> ecdsa_signature_der(ByteView raw);

}  // namespace nae::hsm
