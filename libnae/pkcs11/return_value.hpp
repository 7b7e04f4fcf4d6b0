// CK_RV, what PKCS#11 functions answer, as our errors. Messages name the function and the
// constant, which is what a vendor's support asks for.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::pkcs11 {

std::string return_value_name(CK_RV value);  // "CKR_PIN_INCORRECT", or its number in hexadecimal

// The code of a failed call: Code::hsm_unavailable where a new session may cure it.
Code code_of(CK_RV value);

// "C_Login: CKR_PIN_INCORRECT"
Error error_of(std::string_view function, CK_RV value);

// The same for a call that makes a token object. PKCS#11 has CKR_DEVICE_MEMORY for a full token,
// and for memory that any other call lacks; SoftHSM on a full disk answers CKR_FUNCTION_FAILED or
// CKR_GENERAL_ERROR.
Error error_of_storing(std::string_view function, CK_RV value);

// Whether C_UnwrapKey may have failed because of what it was given to unwrap. Modules call a failed
// integrity check by different names, SoftHSM CKR_GENERAL_ERROR; but a device that lacks memory
// must not send anybody to restore a backup.
bool may_mean_changed_material(CK_RV value);

inline Result<void> checked(std::string_view function, CK_RV value) {
  if (value == CKR_OK) return {};
  return fail(error_of(function, value));
}

}  // namespace nae::pkcs11
