// Token: the one token of the one slot, with its sessions; what the calls of PKCS#11 do. Each is of
// any thread and answers as the standard says for its call; none holds the lock over an exchange.
#pragma once

#include <map>
#include <mutex>

#include "pkcs11/derived_secret.hpp"
#include "pkcs11/key_server.hpp"
#include "pkcs11/session.hpp"
#include "pkcs11/settings.hpp"

namespace nae::pkcs11 {

inline constexpr CK_SLOT_ID kSlot = 0;

class Token {
 public:
  explicit Token(const Settings& settings) : settings_(settings), key_server_(settings) {}
  ~Token() { key_server_.close(); }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  void close() { key_server_.close(); }

  CK_RV slot_info(CK_SLOT_ID slot, CK_SLOT_INFO* info);
  CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info);

  CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_SESSION_HANDLE* handle);
  CK_RV close_session(CK_SESSION_HANDLE handle);
  CK_RV close_all_sessions(CK_SLOT_ID slot);
  CK_RV session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO* info);
  CK_RV check_session(CK_SESSION_HANDLE handle);
  CK_RV cancel(CK_SESSION_HANDLE handle, CK_FLAGS flags);

  // A PIN that is a compact JWS is the user's token; any other is taken and says nothing.
  CK_RV login(CK_SESSION_HANDLE handle, CK_USER_TYPE type, ByteView pin);
  CK_RV logout(CK_SESSION_HANDLE handle);

  CK_RV begin_search(CK_SESSION_HANDLE handle, const CK_ATTRIBUTE* attributes, CK_ULONG count);
  CK_RV search(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE* found, CK_ULONG most, CK_ULONG* count);
  CK_RV end_search(CK_SESSION_HANDLE handle);
  CK_RV attributes(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE* attributes,
                   CK_ULONG count);

  CK_RV begin_sign(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key);
  CK_RV sign(CK_SESSION_HANDLE handle, ByteView data, CK_BYTE* signature, CK_ULONG* bytes);
  CK_RV sign_update(CK_SESSION_HANDLE handle, ByteView part);
  CK_RV sign_final(CK_SESSION_HANDLE handle, CK_BYTE* signature, CK_ULONG* bytes);
  CK_RV begin_verify(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key);
  CK_RV verify(CK_SESSION_HANDLE handle, ByteView data, ByteView signature);
  CK_RV verify_update(CK_SESSION_HANDLE handle, ByteView part);
  CK_RV verify_final(CK_SESSION_HANDLE handle, ByteView signature);

  CK_RV begin_encrypt(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key);
  CK_RV encrypt(CK_SESSION_HANDLE handle, ByteView data, CK_BYTE* ciphertext, CK_ULONG* bytes);
  CK_RV encrypt_update(CK_SESSION_HANDLE handle, ByteView part, CK_BYTE* ciphertext,
                       CK_ULONG* bytes);
  CK_RV encrypt_final(CK_SESSION_HANDLE handle, CK_BYTE* ciphertext, CK_ULONG* bytes);
  CK_RV begin_decrypt(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key);
  CK_RV decrypt(CK_SESSION_HANDLE handle, ByteView data, CK_BYTE* plaintext, CK_ULONG* bytes);
  CK_RV decrypt_update(CK_SESSION_HANDLE handle, ByteView part, CK_BYTE* plaintext,
                       CK_ULONG* bytes);
  CK_RV decrypt_final(CK_SESSION_HANDLE handle, CK_BYTE* plaintext, CK_ULONG* bytes);
  CK_RV derive(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key,
               const CK_ATTRIBUTE* attributes, CK_ULONG count, CK_OBJECT_HANDLE* made);
  CK_RV destroy(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object);

  CK_RV random(CK_SESSION_HANDLE handle, CK_BYTE* out, CK_ULONG bytes);

 private:
  using Kind = std::optional<Operation> Session::*;
  Session* find(CK_SESSION_HANDLE handle);  // with the lock held
  CK_RV object_of(CK_OBJECT_HANDLE handle, CK_RV unknown, Object& object);
  CK_RV private_key_of(CK_OBJECT_HANDLE key, KeyFamily family, Action action, Object& object);
  CK_RV begin(CK_SESSION_HANDLE handle, Kind kind, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key);
  CK_RV update(CK_SESSION_HANDLE handle, Kind kind, ByteView part);
  // Ends the operation and hands it out.
  CK_RV take(CK_SESSION_HANDLE handle, Kind kind, bool after_parts, Operation& operation);
  CK_RV finish_sign(CK_SESSION_HANDLE handle, bool after_parts, ByteView data, CK_BYTE* signature,
                    CK_ULONG* bytes);
  CK_RV finish_verify(CK_SESSION_HANDLE handle, bool after_parts, ByteView data,
                      ByteView signature);
  CK_RV finish_decrypt(CK_SESSION_HANDLE handle, bool after_parts, ByteView data,
                       CK_BYTE* plaintext, CK_ULONG* bytes);
  // Of keys of AES, in both directions.
  CK_RV begin_cipher(CK_SESSION_HANDLE handle, Kind kind, const CK_MECHANISM* asked,
                     CK_OBJECT_HANDLE key);
  CK_RV update_cipher(CK_SESSION_HANDLE handle, Kind kind, ByteView part, CK_BYTE* result,
                      CK_ULONG* bytes);
  CK_RV finish_cipher(CK_SESSION_HANDLE handle, Kind kind, bool after_parts, ByteView data,
                      CK_BYTE* result, CK_ULONG* bytes);
  bool deciphers(CK_SESSION_HANDLE handle);  // decrypting is under way, and by a key of AES
  void forget_user();                        // with the lock held

  const Settings settings_;
  KeyServer key_server_;
  std::mutex lock_;
  std::map<CK_SESSION_HANDLE, Session> sessions_;
  CK_SESSION_HANDLE last_session_ = 0;
  // What C_DeriveKey made, until it is destroyed or its session closed. Small handles: those of
  // keys are digests of 64 bits.
  std::map<CK_OBJECT_HANDLE, DerivedSecret> derived_;
  CK_OBJECT_HANDLE last_derived_ = 0;
  bool logged_in_ = false;
};

}  // namespace nae::pkcs11
