// Mechanisms that a token must offer, and those without which some keys cannot be made.
#pragma once

#include <p11-kit/pkcs11.h>

#include <vector>

#include "keyserver/keys/attributes.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::hsm {

// PKCS#11 3.0 section 2.14: RFC 5649, as NIST calls it. p11-kit's header is of 2.40, in which
// modules mean RFC 5649 by CKM_AES_KEY_WRAP_PAD; to NSS that is a padding of PKCS#7.
inline constexpr CK_MECHANISM_TYPE kAesKeyWrapKwp = 0x210B;

struct HashConstants {
  CK_MECHANISM_TYPE mechanism;
  CK_ULONG mgf;
  ByteView object_identifier;  // DER
};
HashConstants constants_of(HashAlgorithm hash);

CK_MECHANISM_TYPE mechanism_of(SignatureMethod method);
// Those of all methods of the family.
std::vector<CK_MECHANISM_TYPE> signing_mechanisms(KeyFamily family);

// False only where the token says CKR_MECHANISM_INVALID: other answers are no statement.
bool offers(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism);

// CKM_AES_KEY_WRAP_KWP where the token offers it, else CKM_AES_KEY_WRAP_PAD.
CK_MECHANISM_TYPE choose_key_wrap(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot);

// Code::unsupported, naming every mechanism that a key server cannot be without and the token is.
Result<void> require_mechanisms(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot);

// The same for what a key of this type needs beyond that.
Result<void> require_mechanisms_for(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, KeyType type,
                                    keys::Protection protection);
// And for the import of keys.
Result<void> require_mechanisms_for_import(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot);

}  // namespace nae::hsm
