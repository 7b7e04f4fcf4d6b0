// Mechanisms of AES by the caller's mode: what their parameters ask of the key server, and how many
// bytes come of it.
#pragma once

#include <span>

#include "pkcs11/object.hpp"

namespace nae::pkcs11 {

struct CipherMechanism {
  CK_MECHANISM_TYPE type;
  CipherMode mode;
};
std::span<const CipherMechanism> cipher_mechanisms();
const CipherMechanism* find_cipher_mechanism(CK_MECHANISM_TYPE type);
CK_MECHANISM_INFO info_of(const CipherMechanism& mechanism);

// What encrypting or decrypting was begun with.
struct CipherUse {
  CipherMode mode{};
  bool encrypts = false;
  Bytes iv, aad;
};
// CKR_MECHANISM_PARAM_INVALID for what no key server computes: a tag of GCM that is not 128 bits
// long, a counter that is not.
CK_RV cipher_use_of(const CipherMechanism& mechanism, const CK_MECHANISM& asked, CipherUse& use);

// Of so many bytes: what comes of them, of a padding that is taken off at most. Nothing where the
// mode does not take so many.
std::optional<std::size_t> result_bytes(const CipherUse& use, std::size_t data_bytes);

}  // namespace nae::pkcs11
