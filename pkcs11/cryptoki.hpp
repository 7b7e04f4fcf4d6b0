// PKCS#11 as this module offers it: p11-kit's header is of 2.40, in which the interfaces of 3.0
// (pkcs11-base-v3.0 sections 5.2 and 5.18) are written here.
#pragma once

#include <p11-kit/pkcs11.h>

namespace nae::pkcs11 {

inline constexpr CK_ATTRIBUTE_TYPE kUniqueId = 0x04;  // CKA_UNIQUE_ID
inline constexpr CK_FLAGS kCancelsFind = 0x40;        // CKF_FIND_OBJECTS

struct Interface {  // CK_INTERFACE
  CK_UTF8CHAR* name;
  void* functions;
  CK_FLAGS flags;
};

// CK_FUNCTION_LIST_3_0: that of 2.40 and what 3.0 put behind it.
struct FunctionList3 {
  CK_FUNCTION_LIST base;
  CK_RV (*C_GetInterfaceList)(Interface*, CK_ULONG*);
  CK_RV (*C_GetInterface)(CK_UTF8CHAR*, CK_VERSION*, Interface**, CK_FLAGS);
  CK_RV(*C_LoginUser)
  (CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR*, CK_ULONG, CK_UTF8CHAR*, CK_ULONG);
  CK_RV (*C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS);
  // Messages: of encrypting and decrypting five each, of signing and verifying five each.
  CK_RV (*C_MessageEncryptInit)(CK_SESSION_HANDLE, CK_MECHANISM*, CK_OBJECT_HANDLE);
  CK_RV(*C_EncryptMessage)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*);
  CK_RV (*C_EncryptMessageBegin)(CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG);
  CK_RV(*C_EncryptMessageNext)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*, CK_FLAGS);
  CK_RV (*C_MessageEncryptFinal)(CK_SESSION_HANDLE);
  CK_RV (*C_MessageDecryptInit)(CK_SESSION_HANDLE, CK_MECHANISM*, CK_OBJECT_HANDLE);
  CK_RV(*C_DecryptMessage)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*);
  CK_RV (*C_DecryptMessageBegin)(CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG);
  CK_RV(*C_DecryptMessageNext)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*, CK_FLAGS);
  CK_RV (*C_MessageDecryptFinal)(CK_SESSION_HANDLE);
  CK_RV (*C_MessageSignInit)(CK_SESSION_HANDLE, CK_MECHANISM*, CK_OBJECT_HANDLE);
  CK_RV(*C_SignMessage)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*);
  CK_RV (*C_SignMessageBegin)(CK_SESSION_HANDLE, void*, CK_ULONG);
  CK_RV(*C_SignMessageNext)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*);
  CK_RV (*C_MessageSignFinal)(CK_SESSION_HANDLE);
  CK_RV (*C_MessageVerifyInit)(CK_SESSION_HANDLE, CK_MECHANISM*, CK_OBJECT_HANDLE);
  CK_RV(*C_VerifyMessage)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG);
  CK_RV (*C_VerifyMessageBegin)(CK_SESSION_HANDLE, void*, CK_ULONG);
  CK_RV(*C_VerifyMessageNext)
  (CK_SESSION_HANDLE, void*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG);
  CK_RV (*C_MessageVerifyFinal)(CK_SESSION_HANDLE);
};

}  // namespace nae::pkcs11
