// Session: what C_OpenSession opened, with the operations that are under way on it.
#pragma once

#include <optional>
#include <vector>

#include "pkcs11/cipher_mechanism.hpp"
#include "pkcs11/mechanism.hpp"
#include "pkcs11/private_mechanism.hpp"

namespace nae::pkcs11 {

// Signing, verifying, encrypting or decrypting, from its Init to the call that ends it.
struct Operation {
  Object object;
  const Mechanism* mechanism = nullptr;
  SignatureScheme scheme{};
  Decryption decryption;  // of decrypting by a private key alone, which has no `mechanism`
  std::optional<CipherUse> cipher;  // of keys of AES alone, likewise
  Bytes data;                       // of Update
  bool in_parts = false;            // Update was called
};

struct Search {
  std::vector<CK_OBJECT_HANDLE> found;
  std::size_t told = 0;
};

struct Session {
  bool may_write = false;
  std::optional<Search> search;
  std::optional<Operation> signing, verifying, encrypting, decrypting;
};

// Of all Updates of an operation: what an exchange takes.
inline constexpr std::size_t kMaxDataBytes = 16u << 20;

}  // namespace nae::pkcs11
