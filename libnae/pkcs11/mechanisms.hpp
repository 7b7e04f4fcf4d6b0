// What a token offers, where modules call one mechanism by two names.
#pragma once

#include <p11-kit/pkcs11.h>

namespace nae::pkcs11 {

// PKCS#11 3.0 section 2.14: RFC 5649, as NIST calls it. p11-kit's header is of 2.40, in which
// modules mean RFC 5649 by CKM_AES_KEY_WRAP_PAD; to NSS that is a padding of PKCS#7.
inline constexpr CK_MECHANISM_TYPE kAesKeyWrapKwp = 0x210B;

// False only where the token says CKR_MECHANISM_INVALID: other answers are no statement.
bool offers(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism);

// CKM_AES_KEY_WRAP_KWP where the token offers it, else CKM_AES_KEY_WRAP_PAD.
CK_MECHANISM_TYPE choose_key_wrap(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot);

}  // namespace nae::pkcs11
