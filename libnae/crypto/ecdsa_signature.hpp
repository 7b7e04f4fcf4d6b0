// ECDSA signatures: PKCS#11 (section 2.3.1) and JSON Web Signatures (RFC 7518 section 3.4) have r
// and s side by side, everybody else wants DER.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::crypto {

// Ecdsa-Sig-Value (RFC 3279 section 2.2.3). Code::signature_malformed when `raw` is not two numbers
// of one length, at most that of our longest curve's.
Result<Bytes> ecdsa_signature_der(ByteView raw);

}  // namespace nae::crypto
