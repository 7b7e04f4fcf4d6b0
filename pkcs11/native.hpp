// Integers, truth values and parameters as this machine has them: PKCS#11 hands them over in memory
// (PKCS#11 3.0 section 3.3).
#pragma once

#include <cstring>
#include <optional>

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

// A mechanism's parameter, copied: it is wherever the program has it, aligned or not. None of
// another size than its type's.
template <class T>
std::optional<T> parameter_of(const CK_MECHANISM& asked) {
  if (!asked.pParameter || asked.ulParameterLen != sizeof(T)) return std::nullopt;
  T parameter;
  std::memcpy(&parameter, asked.pParameter, sizeof parameter);
  return parameter;
}

}  // namespace nae::pkcs11
