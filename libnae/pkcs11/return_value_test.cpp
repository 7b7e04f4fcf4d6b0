#include "libnae/pkcs11/return_value.hpp"

#include <gtest/gtest.h>

namespace nae::pkcs11 {
namespace {

TEST(ReturnValue, WhatANewSessionMayCureIsUnavailable) {
  for (CK_RV value :
       {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED,
        CKR_TOKEN_NOT_PRESENT, CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED,
        CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE})
    EXPECT_EQ(code_of(value), Code::hsm_unavailable) << return_value_name(value);
}

TEST(ReturnValue, PinAndAFullTokenHaveTheirOwnCodes) {
  for (CK_RV value : {CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_PIN_LEN_RANGE})
    EXPECT_EQ(code_of(value), Code::hsm_pin_rejected) << return_value_name(value);
  // Memory may run out for any call; only what was to be kept on the token finds it full.
  EXPECT_EQ(code_of(CKR_DEVICE_MEMORY), Code::hsm_failed);
  EXPECT_EQ(error_of_storing("C_GenerateKey", CKR_DEVICE_MEMORY).code, Code::hsm_token_full);
}

TEST(ReturnValue, UnknownValuesAreFailuresWithTheirNumber) {
  const Error error = error_of("C_Sign", CKR_VENDOR_DEFINED | 0x2a);
  EXPECT_EQ(error.code, Code::hsm_failed);
  EXPECT_EQ(error.message, "C_Sign: CK_RV 0x8000002a");
}

}  // namespace
}  // namespace nae::pkcs11
