#include "libnae/pkcs11/mechanisms.hpp"

namespace nae::pkcs11 {

bool offers(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism) {
  CK_MECHANISM_INFO info{};
  return calls.C_GetMechanismInfo(slot, mechanism, &info) != CKR_MECHANISM_INVALID;
}

CK_MECHANISM_TYPE choose_key_wrap(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot) {
  CK_MECHANISM_INFO info{};
  return calls.C_GetMechanismInfo(slot, kAesKeyWrapKwp, &info) == CKR_OK ? kAesKeyWrapKwp
                                                                         : CKM_AES_KEY_WRAP_PAD;
}

}  // namespace nae::pkcs11
