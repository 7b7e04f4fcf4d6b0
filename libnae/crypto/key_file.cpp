#include "libnae/crypto/key_file.hpp"

#include <openssl/evp.h>

#include <array>

namespace nae::crypto {

bool is_encrypted_key(ByteView pem) {
  const std::string_view text = as_text(pem);
  return text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != text.npos ||
         text.find("Proc-Type: 4,ENCRYPTED") != text.npos;
}

Error encrypted_key(const std::string& file) {
  return Error(
      Code::invalid_argument, file + ": the private key is encrypted under a passphrase",
      "Nobody is asked for one. Take it away, and guard the file by its mode: openssl pkey "
      "-in FILE -out NEW && chmod 600 NEW");
}

Error unsupported_key(const evp_pkey_st* key) {
  if (EVP_PKEY_is_a(key, "RSA-PSS") == 1)
    return Error(
        Code::unsupported, "an RSA key that is for RSASSA-PSS alone (RFC 4055)",
        "Use a key of type rsaEncryption: the restriction to one scheme would be lost here. "
        "RSASSA-PSS is made with it as well.");
  const char* type = EVP_PKEY_get0_type_name(key);
  std::string name = type == nullptr ? "unknown" : type;
  std::array<char, 64> curve{};
  if (EVP_PKEY_get_group_name(key, curve.data(), curve.size(), nullptr) == 1)
    name += " on " + std::string(curve.data());
  return Error(Code::unsupported,
               "a key of an unsupported type or size: " + name + ", " +
                   std::to_string(EVP_PKEY_get_bits(key)) + " bits",
               "Possible: RSA of 2048, 3072 or 4096 bits, P-256, P-384, Ed25519.");
}

}  // namespace nae::crypto
