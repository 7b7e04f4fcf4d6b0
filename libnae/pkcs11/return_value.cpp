#include "libnae/pkcs11/return_value.hpp"

#include <cstdio>

namespace nae::pkcs11 {
namespace {

struct Row {
  CK_RV value;
  std::string_view name;
  Code code;
};

// Missing in p11-kit's header; PKCS#11 2.40 section 5.1.6.
constexpr CK_RV kUnwrappingKeyHandleInvalid = 0xF0;

#define NAE_ROW(value, code) \
  { value, #value, Code::code }
constexpr Row kRows[] = {
    // The session, the login or the token has gone: a new session may cure it.
    NAE_ROW(CKR_SESSION_HANDLE_INVALID, hsm_unavailable),
    NAE_ROW(CKR_SESSION_CLOSED, hsm_unavailable),
    NAE_ROW(CKR_SESSION_COUNT, hsm_unavailable),
    NAE_ROW(CKR_DEVICE_ERROR, hsm_unavailable),
    NAE_ROW(CKR_DEVICE_REMOVED, hsm_unavailable),
    NAE_ROW(CKR_TOKEN_NOT_PRESENT, hsm_unavailable),
    NAE_ROW(CKR_TOKEN_NOT_RECOGNIZED, hsm_unavailable),
    NAE_ROW(CKR_USER_NOT_LOGGED_IN, hsm_unavailable),
    NAE_ROW(CKR_SLOT_ID_INVALID, hsm_unavailable),
    NAE_ROW(CKR_CRYPTOKI_NOT_INITIALIZED, hsm_unavailable),
    // Handles die with their session, so a stale one means the same. So does an operation that
    // another failure left half done: only closing the session ends it for certain.
    NAE_ROW(CKR_OBJECT_HANDLE_INVALID, hsm_unavailable),
    NAE_ROW(CKR_KEY_HANDLE_INVALID, hsm_unavailable),
    NAE_ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, hsm_unavailable),
    {kUnwrappingKeyHandleInvalid, "CKR_UNWRAPPING_KEY_HANDLE_INVALID", Code::hsm_unavailable},
    NAE_ROW(CKR_OPERATION_ACTIVE, hsm_unavailable),

    NAE_ROW(CKR_PIN_INCORRECT, hsm_pin_rejected),
    NAE_ROW(CKR_PIN_INVALID, hsm_pin_rejected),
    NAE_ROW(CKR_PIN_LEN_RANGE, hsm_pin_rejected),
    NAE_ROW(CKR_PIN_EXPIRED, hsm_pin_rejected),
    NAE_ROW(CKR_PIN_LOCKED, hsm_pin_rejected),
    NAE_ROW(CKR_PIN_TOO_WEAK, hsm_pin_rejected),
    NAE_ROW(CKR_USER_PIN_NOT_INITIALIZED, hsm_pin_rejected),

    NAE_ROW(CKR_LIBRARY_LOAD_FAILED, hsm_module_missing),

    NAE_ROW(CKR_MECHANISM_INVALID, unsupported),
    NAE_ROW(CKR_MECHANISM_PARAM_INVALID, unsupported),
    NAE_ROW(CKR_CURVE_NOT_SUPPORTED, unsupported),
    NAE_ROW(CKR_DOMAIN_PARAMS_INVALID, unsupported),
    NAE_ROW(CKR_FUNCTION_NOT_SUPPORTED, unsupported),

    // Of the device's memory, not of its token: see error_of_storing().
    NAE_ROW(CKR_DEVICE_MEMORY, hsm_failed),
    NAE_ROW(CKR_HOST_MEMORY, hsm_failed),
    NAE_ROW(CKR_GENERAL_ERROR, hsm_failed),
    NAE_ROW(CKR_FUNCTION_FAILED, hsm_failed),
    NAE_ROW(CKR_FUNCTION_CANCELED, hsm_failed),
    NAE_ROW(CKR_FUNCTION_REJECTED, hsm_failed),
    NAE_ROW(CKR_ARGUMENTS_BAD, hsm_failed),
    NAE_ROW(CKR_CANT_LOCK, hsm_failed),
    NAE_ROW(CKR_NEED_TO_CREATE_THREADS, hsm_failed),
    NAE_ROW(CKR_ATTRIBUTE_READ_ONLY, hsm_failed),
    NAE_ROW(CKR_ATTRIBUTE_SENSITIVE, hsm_failed),
    NAE_ROW(CKR_ATTRIBUTE_TYPE_INVALID, hsm_failed),
    NAE_ROW(CKR_ATTRIBUTE_VALUE_INVALID, hsm_failed),
    NAE_ROW(CKR_ACTION_PROHIBITED, hsm_failed),
    NAE_ROW(CKR_TEMPLATE_INCOMPLETE, hsm_failed),
    NAE_ROW(CKR_TEMPLATE_INCONSISTENT, hsm_failed),
    NAE_ROW(CKR_DATA_INVALID, hsm_failed),
    NAE_ROW(CKR_DATA_LEN_RANGE, hsm_failed),
    NAE_ROW(CKR_ENCRYPTED_DATA_INVALID, hsm_failed),
    NAE_ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, hsm_failed),
    NAE_ROW(CKR_WRAPPED_KEY_INVALID, hsm_failed),
    NAE_ROW(CKR_WRAPPED_KEY_LEN_RANGE, hsm_failed),
    NAE_ROW(CKR_KEY_SIZE_RANGE, hsm_failed),
    NAE_ROW(CKR_KEY_TYPE_INCONSISTENT, hsm_failed),
    NAE_ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, hsm_failed),
    NAE_ROW(CKR_KEY_NOT_WRAPPABLE, hsm_failed),
    NAE_ROW(CKR_KEY_UNEXTRACTABLE, hsm_failed),
    NAE_ROW(CKR_OPERATION_NOT_INITIALIZED, hsm_failed),
    NAE_ROW(CKR_SESSION_READ_ONLY, hsm_failed),
    NAE_ROW(CKR_SESSION_EXISTS, hsm_failed),
    NAE_ROW(CKR_TOKEN_WRITE_PROTECTED, hsm_failed),
    NAE_ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, hsm_failed),
    NAE_ROW(CKR_RANDOM_NO_RNG, hsm_failed),
    NAE_ROW(CKR_BUFFER_TOO_SMALL, hsm_failed),
    NAE_ROW(CKR_FIPS_SELF_TEST_FAILED, hsm_failed),
};
#undef NAE_ROW

const Row* find_row(CK_RV value) {
  for (const Row& row : kRows)
    if (row.value == value) return &row;
  return nullptr;
}

}  // namespace

std::string return_value_name(CK_RV value) {
  if (const Row* row = find_row(value)) return std::string(row->name);
  char text[32];
  const int length =
      std::snprintf(text, sizeof text, "CK_RV 0x%lx", static_cast<unsigned long>(value));
  return {text, static_cast<std::size_t>(length)};
}

Code code_of(CK_RV value) {
  const Row* row = find_row(value);
  return row ? row->code : Code::hsm_failed;
}

Error error_of(std::string_view function, CK_RV value) {
  return Error(code_of(value), std::string(function) + ": " + return_value_name(value));
}

Error error_of_storing(std::string_view function, CK_RV value) {
  Error error = error_of(function, value);
  if (value == CKR_DEVICE_MEMORY || value == CKR_FUNCTION_FAILED || value == CKR_GENERAL_ERROR) {
    error.code = Code::hsm_token_full;
    error.message = "the token cannot keep a new object: " + error.message;
  }
  return error;
}

bool may_mean_changed_material(CK_RV value) {
  switch (value) {
    case CKR_DEVICE_MEMORY:
    case CKR_HOST_MEMORY:
    case CKR_FUNCTION_CANCELED:
    case CKR_FUNCTION_REJECTED:
    case CKR_CANT_LOCK:
    case CKR_NEED_TO_CREATE_THREADS:
    case CKR_ACTION_PROHIBITED:
    case CKR_SESSION_READ_ONLY:
    case CKR_SESSION_EXISTS:
    case CKR_TOKEN_WRITE_PROTECTED:
    case CKR_RANDOM_NO_RNG:
    case CKR_FIPS_SELF_TEST_FAILED:
      return false;
    default:
      return code_of(value) == Code::hsm_failed;
  }
}

}  // namespace nae::pkcs11
