// Return values of PKCS#11 for failures of ours.
#pragma once

#include "libnae/base/result.hpp"
#include "pkcs11/cryptoki.hpp"

namespace nae::pkcs11 {

CK_RV return_value(Code code);

}  // namespace nae::pkcs11
