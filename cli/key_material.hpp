// Keys that were made elsewhere: read from a file, and wrapped for the key server's import key.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::cli {

inline constexpr std::size_t kMaxKeyFileBytes = 16u << 10;
// Of the secure heap that OpenSSL keeps private keys in while they are read.
inline constexpr std::size_t kSecureHeapBytes = 256u << 10;

// A key of two halves.
bool is_private(KeyType type);

// Names of the types that can come from elsewhere, for options.
std::vector<std::string> importable_types();

struct Material {
  crypto::SecretBytes key;     // PKCS#8 of a private key, or the secret as the HSM gets it
  std::string public_key_pem;  // of a private key
};
// `file`: "-" is standard input. `encoding` of a secret key: raw, hex or base64.
// Code::invalid_argument when the file holds no key of `type`.
Result<Material> material_in(const std::string& file, KeyType type, const std::string& encoding);

// CKM_RSA_AES_KEY_WRAP of `key` for `import_key`: the answer of GET /v1/import-key, "public_key"
// and "hash". Code::unsupported for a hash that is not known here.
Result<Bytes> wrapped_for(const boost::json::value& import_key, const crypto::SecretBytes& key);

}  // namespace nae::cli
