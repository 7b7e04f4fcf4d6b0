// Integers and truth values of attributes as this machine has them: PKCS#11 hands them over in
// memory (PKCS#11 3.0 section 3.3).
#pragma once

#include <cstring>

#include "libnae/base/bytes.hpp"
#include "pkcs11/cryptoki.hpp"

namespace nae::pkcs11 {

template <class T>
Bytes native(T value) {
  Bytes out(sizeof value);
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}
inline Bytes flag(bool value) {
  return native<CK_BBOOL>(value ? CK_TRUE : CK_FALSE);
}

}  // namespace nae::pkcs11
