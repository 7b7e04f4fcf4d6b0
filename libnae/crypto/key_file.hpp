// What can be said of a key file that cannot be used, for who has to mend it.
#pragma once

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

struct evp_pkey_st;

namespace nae::crypto {

// Whether the PEM text holds a private key under a passphrase: as PKCS#8 (RFC 5958 section 3) or in
// OpenSSL's older form (RFC 1421 section 4.6.1.1). Nobody is there to be asked for one.
bool is_encrypted_key(ByteView pem);

// The refusal of such a key. `file`: how the message begins.
Error encrypted_key(const std::string& file);

// The refusal of a key of a type or size that nothing here uses, by their names.
Error unsupported_key(const evp_pkey_st* key);

}  // namespace nae::crypto
