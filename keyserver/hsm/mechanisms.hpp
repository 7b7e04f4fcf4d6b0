// Mechanisms that a token must offer, and those without which some keys cannot be made.
#pragma once

#include <p11-kit/pkcs11.h>

#include <vector>

#include "keyserver/keys/attributes.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::hsm {

struct HashConstants {
  CK_MECHANISM_TYPE mechanism;
  CK_ULONG mgf;
  ByteView object_identifier;  // DER
};
HashConstants constants_of(HashAlgorithm hash);

CK_MECHANISM_TYPE mechanism_of(SignatureMethod method);
// All that private keys of the family are used by. What a token lacks of them it is not asked for.
std::vector<CK_MECHANISM_TYPE> private_mechanisms(KeyFamily family);

CK_MECHANISM_TYPE mechanism_of(CipherMode mode);
std::vector<CK_MECHANISM_TYPE> cipher_mechanisms();  // of all modes

// Code::unsupported, naming every mechanism that a key server cannot be without and the token is.
Result<void> require_mechanisms(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot);

// The same for what a key of this type needs beyond that.
Result<void> require_mechanisms_for(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, KeyType type,
                                    keys::Protection protection);
// And for the import of keys.
Result<void> require_mechanisms_for_import(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot);

}  // namespace nae::hsm
