// Token: decrypting by private keys, and deriving from them.
#include <algorithm>
#include <cstring>

#include "pkcs11/private_mechanism.hpp"
#include "pkcs11/return_value.hpp"
#include "pkcs11/token.hpp"

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kMaxDerivedSecrets = 4096;

// One return value for every ciphertext that is none, whatever is wrong with it.
CK_RV value_of_failure(Code code) {
  return code == Code::authentication_failed || code == Code::invalid_argument
             ? CKR_ENCRYPTED_DATA_INVALID
             : return_value(code);
}

bool is_rsa(KeyFamily family) {
  return family == KeyFamily::rsa || family == KeyFamily::rsa_decrypt;
}

std::size_t modulus_bytes(const Object& object) {
  return row(object.type).coordinate_bytes();
}

}  // namespace

// The private key of this handle that may do this.
CK_RV Token::private_key_of(CK_OBJECT_HANDLE key, KeyFamily family, Action action, Object& object) {
  if (const CK_RV rv = object_of(key, CKR_KEY_HANDLE_INVALID, object); rv != CKR_OK) return rv;
  if (object.object_class == CKO_CERTIFICATE) return CKR_KEY_HANDLE_INVALID;
  if (object.object_class != CKO_PRIVATE_KEY) return CKR_KEY_TYPE_INCONSISTENT;
  if (is_rsa(row(object.type).family) != is_rsa(family)) return CKR_KEY_TYPE_INCONSISTENT;
  // Of the right kind, but for signatures.
  if (!are_alike(row(object.type).family, family)) return CKR_KEY_FUNCTION_NOT_PERMITTED;
  return object.allows(action) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

CK_RV Token::begin_decrypt(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked,
                           CK_OBJECT_HANDLE key) {
  if (asked && find_cipher_mechanism(asked->mechanism))
    return begin_cipher(handle, &Session::decrypting, asked, key);
  {
    std::lock_guard guard(lock_);
    Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    if (!asked) {  // pkcs11-base-v3.0 section 5.10.1: ends what is under way
      session->decrypting.reset();
      return CKR_OK;
    }
    if (session->decrypting) return CKR_OPERATION_ACTIVE;
  }
  const PrivateMechanism* mechanism = find_private_mechanism(asked->mechanism, CKF_DECRYPT);
  if (!mechanism) return CKR_MECHANISM_INVALID;
  Operation operation;
  if (const CK_RV rv = private_key_of(key, mechanism->family, Action::decrypt, operation.object);
      rv != CKR_OK)
    return rv;
  if (const CK_RV rv = decryption_of(*asked, operation.decryption); rv != CKR_OK) return rv;
  if (!operation.object.allows(operation.decryption.scheme)) return CKR_KEY_FUNCTION_NOT_PERMITTED;
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (session->decrypting) return CKR_OPERATION_ACTIVE;
  session->decrypting = std::move(operation);
  return CKR_OK;
}

CK_RV Token::finish_decrypt(CK_SESSION_HANDLE handle, bool after_parts, ByteView data,
                            CK_BYTE* plaintext, CK_ULONG* bytes) {
  Operation operation;
  {
    std::lock_guard guard(lock_);
    if (const CK_RV rv = take(handle, &Session::decrypting, after_parts, operation); rv != CKR_OK)
      return rv;
    if (operation.cipher) {  // another thread began it meanwhile
      find(handle)->decrypting = std::move(operation);
      return CKR_OPERATION_NOT_INITIALIZED;
    }
    if (!bytes || (!data.data() && !data.empty())) return CKR_ARGUMENTS_BAD;
    if (!plaintext) {  // the operation goes on
      *bytes = modulus_bytes(operation.object);
      find(handle)->decrypting = std::move(operation);
      return CKR_OK;
    }
  }
  Bytes ciphertext = operation.data;
  if (ciphertext.size() + data.size() != modulus_bytes(operation.object))
    return CKR_ENCRYPTED_DATA_LEN_RANGE;
  ciphertext.insert(ciphertext.end(), data.begin(), data.end());
  const auto opened =
      key_server_.ask(Action::decrypt, static_cast<std::uint8_t>(operation.decryption.scheme),
                      operation.object.versioned_name(), ciphertext, operation.decryption.label);
  if (!opened) return value_of_failure(opened.error().code);
  if (opened->size() > modulus_bytes(operation.object)) return CKR_DEVICE_ERROR;
  const CK_ULONG room = *bytes;
  *bytes = opened->size();
  if (room < opened->size()) {  // it goes on: what was asked for is asked for again
    std::lock_guard guard(lock_);
    if (Session* session = find(handle); session && !session->decrypting)
      session->decrypting = std::move(operation);
    return CKR_BUFFER_TOO_SMALL;
  }
  if (!opened->empty()) std::memcpy(plaintext, opened->data(), opened->size());
  return CKR_OK;
}

bool Token::deciphers(CK_SESSION_HANDLE handle) {
  std::lock_guard guard(lock_);
  const Session* session = find(handle);
  return session && session->decrypting && session->decrypting->cipher;
}

CK_RV Token::decrypt(CK_SESSION_HANDLE handle, ByteView data, CK_BYTE* plaintext, CK_ULONG* bytes) {
  if (deciphers(handle))
    return finish_cipher(handle, &Session::decrypting, false, data, plaintext, bytes);
  return finish_decrypt(handle, false, data, plaintext, bytes);
}
CK_RV Token::decrypt_update(CK_SESSION_HANDLE handle, ByteView part, CK_BYTE* plaintext,
                            CK_ULONG* bytes) {
  if (deciphers(handle)) return update_cipher(handle, &Session::decrypting, part, plaintext, bytes);
  if (!bytes) {
    std::lock_guard guard(lock_);
    Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    if (!session->decrypting) return CKR_OPERATION_NOT_INITIALIZED;
    session->decrypting.reset();
    return CKR_ARGUMENTS_BAD;
  }
  // How much it could be (pkcs11-base-v3.0 section 5.2): the part comes again, with a buffer.
  if (!plaintext) {
    std::lock_guard guard(lock_);
    const Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    if (!session->decrypting) return CKR_OPERATION_NOT_INITIALIZED;
    *bytes = modulus_bytes(session->decrypting->object);
    return CKR_OK;
  }
  const CK_RV rv = update(handle, &Session::decrypting, part);
  if (rv == CKR_OK) *bytes = 0;  // all of it comes at the end
  return rv == CKR_DATA_LEN_RANGE ? CKR_ENCRYPTED_DATA_LEN_RANGE : rv;
}
CK_RV Token::decrypt_final(CK_SESSION_HANDLE handle, CK_BYTE* plaintext, CK_ULONG* bytes) {
  if (deciphers(handle))
    return finish_cipher(handle, &Session::decrypting, true, {}, plaintext, bytes);
  return finish_decrypt(handle, true, {}, plaintext, bytes);
}

CK_RV Token::derive(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key,
                    const CK_ATTRIBUTE* attributes, CK_ULONG count, CK_OBJECT_HANDLE* made) {
  if (const CK_RV rv = check_session(handle); rv != CKR_OK) return rv;
  if (!asked || !made || (!attributes && count != 0)) return CKR_ARGUMENTS_BAD;
  const PrivateMechanism* mechanism = find_private_mechanism(asked->mechanism, CKF_DERIVE);
  if (!mechanism) return CKR_MECHANISM_INVALID;
  Object object;
  if (const CK_RV rv = private_key_of(key, mechanism->family, Action::derive, object); rv != CKR_OK)
    return rv;
  Bytes point;
  if (const CK_RV rv = point_of(*asked, object, point); rv != CKR_OK) return rv;
  DerivedTemplate wanted;
  const std::size_t agreed_bytes = row(object.type).coordinate_bytes();
  if (const CK_RV rv = wanted.want(attributes, count, agreed_bytes); rv != CKR_OK) return rv;
  const auto agreed = key_server_.ask(Action::derive, 0, object.versioned_name(), point);
  if (!agreed)
    return agreed.error().code == Code::invalid_argument ? CKR_MECHANISM_PARAM_INVALID
                                                         : return_value(agreed.error().code);
  if (agreed->size() != agreed_bytes) return CKR_DEVICE_ERROR;
  DerivedSecret secret = wanted.made_of(*agreed);
  std::lock_guard guard(lock_);
  if (!find(handle)) return CKR_SESSION_HANDLE_INVALID;
  if (derived_.size() >= kMaxDerivedSecrets) return CKR_DEVICE_MEMORY;
  secret.session = handle;
  derived_.emplace(++last_derived_, std::move(secret));
  *made = last_derived_;
  return CKR_OK;
}

CK_RV Token::destroy(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle) {
  {
    std::lock_guard guard(lock_);
    if (!find(handle)) return CKR_SESSION_HANDLE_INVALID;
    if (derived_.erase(object_handle) != 0) return CKR_OK;
  }
  Object object;
  const CK_RV rv = object_of(object_handle, CKR_OBJECT_HANDLE_INVALID, object);
  return rv == CKR_OK ? CKR_ACTION_PROHIBITED : rv;  // administrators end keys
}

}  // namespace nae::pkcs11
