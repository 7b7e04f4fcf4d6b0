// Token: encrypting and decrypting by keys of AES, with the caller's IV.
#include <cstring>

#include "pkcs11/return_value.hpp"
#include "pkcs11/token.hpp"

namespace nae::pkcs11 {
namespace {

CK_RV value_of_length(bool encrypts) {
  return encrypts ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

// One return value for every ciphertext that does not open, whatever is wrong with it.
CK_RV value_of_cipher_failure(Code code, bool encrypts) {
  if (code == Code::authentication_failed) return CKR_ENCRYPTED_DATA_INVALID;
  return code == Code::invalid_argument ? value_of_length(encrypts) : return_value(code);
}

}  // namespace

CK_RV Token::begin_cipher(CK_SESSION_HANDLE handle, Kind kind, const CK_MECHANISM* asked,
                          CK_OBJECT_HANDLE key) {
  {
    std::lock_guard guard(lock_);
    Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    if (!asked) {  // pkcs11-base-v3.0 section 5.8.1: ends what is under way
      (session->*kind).reset();
      return CKR_OK;
    }
    if (session->*kind) return CKR_OPERATION_ACTIVE;
  }
  const CipherMechanism* mechanism = find_cipher_mechanism(asked->mechanism);
  if (!mechanism) return CKR_MECHANISM_INVALID;
  Operation operation;
  if (const CK_RV rv = object_of(key, CKR_KEY_HANDLE_INVALID, operation.object); rv != CKR_OK)
    return rv;
  const Object& object = operation.object;
  if (object.object_class == CKO_CERTIFICATE) return CKR_KEY_HANDLE_INVALID;
  if (!takes_cipher_mode(object.type)) return CKR_KEY_TYPE_INCONSISTENT;
  CipherUse& use = operation.cipher.emplace();
  use.encrypts = kind == &Session::encrypting;
  if (!object.allows(use.encrypts ? Action::encrypt : Action::decrypt) ||
      !object.allows(mechanism->mode))
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
  if (const CK_RV rv = cipher_use_of(*mechanism, *asked, use); rv != CKR_OK) return rv;
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (session->*kind) return CKR_OPERATION_ACTIVE;
  session->*kind = std::move(operation);
  return CKR_OK;
}

CK_RV Token::update_cipher(CK_SESSION_HANDLE handle, Kind kind, ByteView part, CK_BYTE* result,
                           CK_ULONG* bytes) {
  {
    std::lock_guard guard(lock_);
    Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    std::optional<Operation>& operation = session->*kind;
    if (!operation || !operation->cipher) return CKR_OPERATION_NOT_INITIALIZED;
    if (!bytes) {
      operation.reset();
      return CKR_ARGUMENTS_BAD;
    }
    // How much it could be (pkcs11-base-v3.0 section 5.2): the part comes again, with a buffer.
    if (!result) {
      *bytes = part.size();
      return CKR_OK;
    }
  }
  const CK_RV rv = update(handle, kind, part);
  if (rv == CKR_OK)
    *bytes = 0;  // all of it comes at the end: nothing leaves before its tag was seen
  return rv == CKR_DATA_LEN_RANGE ? value_of_length(kind == &Session::encrypting) : rv;
}

CK_RV Token::finish_cipher(CK_SESSION_HANDLE handle, Kind kind, bool after_parts, ByteView data,
                           CK_BYTE* result, CK_ULONG* bytes) {
  Operation operation;
  std::size_t most = 0;
  {
    std::lock_guard guard(lock_);
    if (const CK_RV rv = take(handle, kind, after_parts, operation); rv != CKR_OK) return rv;
    if (!operation.cipher) {  // another thread began it meanwhile
      (find(handle)->*kind) = std::move(operation);
      return CKR_OPERATION_NOT_INITIALIZED;
    }
    if (!bytes || (!data.data() && !data.empty())) return CKR_ARGUMENTS_BAD;
    if (data.size() > kMaxDataBytes - operation.data.size())
      return value_of_length(operation.cipher->encrypts);
    const auto expected = result_bytes(*operation.cipher, operation.data.size() + data.size());
    if (!expected) return value_of_length(operation.cipher->encrypts);
    most = *expected;
    // Of a padding nobody knows before it is off how long it is.
    const bool is_exact =
        operation.cipher->encrypts || operation.cipher->mode != CipherMode::aes_cbc_pad;
    if (!result || (is_exact && *bytes < most)) {  // the operation goes on
      (find(handle)->*kind) = std::move(operation);
      *bytes = most;
      return result ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    }
  }
  const CipherUse& use = *operation.cipher;
  Bytes all = operation.data;
  all.insert(all.end(), data.begin(), data.end());
  const auto made = key_server_.cipher(use, operation.object.versioned_name(), all);
  if (!made) return value_of_cipher_failure(made.error().code, use.encrypts);
  if (made->size() > most) return CKR_DEVICE_ERROR;
  const CK_ULONG room = *bytes;
  *bytes = made->size();
  if (room < made->size()) {  // it goes on: what was asked for is asked for again
    std::lock_guard guard(lock_);
    if (Session* session = find(handle); session && !(session->*kind))
      session->*kind = std::move(operation);
    return CKR_BUFFER_TOO_SMALL;
  }
  if (!made->empty()) std::memcpy(result, made->data(), made->size());
  return CKR_OK;
}

CK_RV Token::begin_encrypt(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked,
                           CK_OBJECT_HANDLE key) {
  return begin_cipher(handle, &Session::encrypting, asked, key);
}
CK_RV Token::encrypt(CK_SESSION_HANDLE handle, ByteView data, CK_BYTE* ciphertext,
                     CK_ULONG* bytes) {
  return finish_cipher(handle, &Session::encrypting, false, data, ciphertext, bytes);
}
CK_RV Token::encrypt_update(CK_SESSION_HANDLE handle, ByteView part, CK_BYTE* ciphertext,
                            CK_ULONG* bytes) {
  return update_cipher(handle, &Session::encrypting, part, ciphertext, bytes);
}
CK_RV Token::encrypt_final(CK_SESSION_HANDLE handle, CK_BYTE* ciphertext, CK_ULONG* bytes) {
  return finish_cipher(handle, &Session::encrypting, true, {}, ciphertext, bytes);
}

}  // namespace nae::pkcs11
