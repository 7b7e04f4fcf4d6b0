// Mechanisms of private keys that sign nothing: what their parameters ask of the key server.
#pragma once

#include <span>

#include "libnae/base/algorithm.hpp"
#include "pkcs11/object.hpp"

namespace nae::pkcs11 {

struct PrivateMechanism {
  CK_MECHANISM_TYPE type;
  KeyFamily family;
  CK_FLAGS flag;  // CKF_DECRYPT or CKF_DERIVE
  CK_ULONG least_bits, most_bits;
};

std::span<const PrivateMechanism> private_mechanisms();
// Of this use; nullptr for another.
const PrivateMechanism* find_private_mechanism(CK_MECHANISM_TYPE type, CK_FLAGS flag);

// Keys of both agree by one mechanism.
bool are_alike(KeyFamily a, KeyFamily b);
// Whether the key is of its kind and allows a scheme of it.
bool serves(const PrivateMechanism& mechanism, const Object& object);

// Every mechanism of the token, each once, and what it does; CKR_MECHANISM_INVALID.
std::vector<CK_MECHANISM_TYPE> every_mechanism();
CK_RV mechanism_info(CK_MECHANISM_TYPE type, CK_MECHANISM_INFO& info);
// Those that the object serves.
std::vector<CK_MECHANISM_TYPE> mechanisms_of(const Object& object);

struct Decryption {
  DecryptionScheme scheme{};
  Bytes label;  // of OAEP
};
// CKR_MECHANISM_PARAM_INVALID for what no key server decrypts: a hash that is not MGF1's, or an
// unknown one.
CK_RV decryption_of(const CK_MECHANISM& asked, Decryption& out);

// The other side's point, 0x04 || X || Y, from CK_ECDH1_DERIVE_PARAMS. CKR_MECHANISM_PARAM_INVALID
// for a key derivation function: the caller applies one, if any.
CK_RV point_of(const CK_MECHANISM& asked, const Object& object, Bytes& point);

}  // namespace nae::pkcs11
