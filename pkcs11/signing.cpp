// Token: signing, verifying and random bytes.
#include <algorithm>
#include <cstring>

#include "libnae/envelope/envelope.hpp"
#include "pkcs11/return_value.hpp"
#include "pkcs11/token.hpp"

namespace nae::pkcs11 {
namespace {

constexpr CK_ULONG kRandomBytes = kMaxRandomBytes;

bool is_hmac(const Operation& operation) {
  return !operation.mechanism->method;
}

Action signing_action(const Object& object) {
  return object.object_class == CKO_SECRET_KEY ? Action::mac : Action::sign;
}
Action verifying_action(const Object& object) {
  return object.object_class == CKO_SECRET_KEY ? Action::mac_verify : Action::verify;
}

CK_RV make_signature(KeyServer& key_server, const Operation& operation, Bytes& signature) {
  const Object& object = operation.object;
  SignedItem what;
  if (const CK_RV rv =
          item_of(*operation.mechanism, operation.scheme, object, operation.data, what);
      rv != CKR_OK)
    return rv;
  const std::uint8_t algorithm = is_hmac(operation) ? 0 : wire_number(what.form);
  const auto made =
      key_server.ask(signing_action(object), algorithm, object.versioned_name(), what.item);
  if (!made) return return_value(made.error().code);
  const auto token = parse_token(*made);
  if (!token || token->key != object.id) return CKR_DEVICE_ERROR;
  const auto bare = to_cryptoki(object, token->value);
  if (!bare || bare->size() != object.signature_bytes()) return CKR_DEVICE_ERROR;
  signature = *bare;
  return CKR_OK;
}

CK_RV check_signature(KeyServer& key_server, const Operation& operation, ByteView signature) {
  const Object& object = operation.object;
  if (signature.size() != object.signature_bytes()) return CKR_SIGNATURE_LEN_RANGE;
  SignedItem what;
  if (const CK_RV rv =
          item_of(*operation.mechanism, operation.scheme, object, operation.data, what);
      rv != CKR_OK)
    return rv;
  Bytes second;
  std::string key = object.name;
  std::uint8_t algorithm = 0;
  if (is_hmac(operation)) {  // the code names its version
    second.resize(kTokenHeaderBytes);
    write_token_header(second.data(), static_cast<std::uint8_t>(Format::hmac_sha_256_raw),
                       object.id);
    second.insert(second.end(), signature.begin(), signature.end());
  } else {
    second = from_cryptoki(object, signature);
    key = object.versioned_name();
    algorithm = wire_number(what.form);
  }
  const auto answer = key_server.ask(verifying_action(object), algorithm, key, what.item, second);
  if (!answer) return return_value(answer.error().code);
  return answer->size() == 1 && (*answer)[0] == 1 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

}  // namespace

CK_RV Token::object_of(CK_OBJECT_HANDLE handle, CK_RV unknown, Object& object) {
  const auto known = key_server_.known_objects();
  const Object* found = known ? known->find(handle) : nullptr;
  // A handle from before a fork or from an earlier list is good as long as its version is.
  std::shared_ptr<const ObjectTable> listed;
  if (!found) {
    auto asked = key_server_.objects();
    if (!asked) return return_value(asked.error().code);
    listed = *asked;
    found = listed->find(handle);
  }
  if (!found) return unknown;
  object = *found;
  return CKR_OK;
}

CK_RV Token::begin(CK_SESSION_HANDLE handle, Kind kind, const CK_MECHANISM* asked,
                   CK_OBJECT_HANDLE key) {
  {
    std::lock_guard guard(lock_);
    Session* session = find(handle);
    if (!session) return CKR_SESSION_HANDLE_INVALID;
    if (!asked) {  // PKCS#11 3.0: the operation is to end
      (session->*kind).reset();
      return CKR_OK;
    }
    if (session->*kind) return CKR_OPERATION_ACTIVE;
  }
  Operation operation;
  operation.mechanism = find_mechanism(asked->mechanism);
  if (!operation.mechanism) return CKR_MECHANISM_INVALID;
  if (const CK_RV rv = object_of(key, CKR_KEY_HANDLE_INVALID, operation.object); rv != CKR_OK)
    return rv;
  const Object& object = operation.object;
  if (object.object_class == CKO_CERTIFICATE) return CKR_KEY_HANDLE_INVALID;
  const bool signs = kind == &Session::signing;
  const CK_OBJECT_CLASS of_pairs = signs ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY;
  if (object.object_class != CKO_SECRET_KEY && object.object_class != of_pairs)
    return CKR_KEY_TYPE_INCONSISTENT;
  if (!object.allows(signs ? signing_action(object) : verifying_action(object)))
    return CKR_KEY_FUNCTION_NOT_PERMITTED;
  if (const CK_RV rv = scheme_of(*operation.mechanism, *asked, object, operation.scheme);
      rv != CKR_OK)
    return rv;
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  if (session->*kind) return CKR_OPERATION_ACTIVE;
  session->*kind = std::move(operation);
  return CKR_OK;
}

CK_RV Token::update(CK_SESSION_HANDLE handle, Kind kind, ByteView part) {
  std::lock_guard guard(lock_);
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  std::optional<Operation>& operation = session->*kind;
  if (!operation) return CKR_OPERATION_NOT_INITIALIZED;
  const bool is_bad = !part.data() && !part.empty();
  if (is_bad || part.size() > kMaxDataBytes - operation->data.size()) {
    operation.reset();
    return is_bad ? CKR_ARGUMENTS_BAD : CKR_DATA_LEN_RANGE;
  }
  operation->data.insert(operation->data.end(), part.begin(), part.end());
  operation->in_parts = true;
  return CKR_OK;
}

CK_RV Token::take(CK_SESSION_HANDLE handle, Kind kind, bool after_parts, Operation& operation) {
  Session* session = find(handle);
  if (!session) return CKR_SESSION_HANDLE_INVALID;
  std::optional<Operation>& active = session->*kind;
  if (!active) return CKR_OPERATION_NOT_INITIALIZED;
  if (active->in_parts && !after_parts) return CKR_OPERATION_ACTIVE;
  operation = std::move(*active);
  active.reset();
  return CKR_OK;
}

CK_RV Token::finish_sign(CK_SESSION_HANDLE handle, bool after_parts, ByteView data,
                         CK_BYTE* signature, CK_ULONG* bytes) {
  Operation operation;
  {
    std::lock_guard guard(lock_);
    if (const CK_RV rv = take(handle, &Session::signing, after_parts, operation); rv != CKR_OK)
      return rv;
    if (!bytes || (!data.data() && !data.empty())) return CKR_ARGUMENTS_BAD;
    const CK_ULONG needed = operation.object.signature_bytes();
    if (!signature || *bytes < needed) {  // the operation goes on
      find(handle)->signing = std::move(operation);
      *bytes = needed;
      return signature ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    }
  }
  if (data.size() > kMaxDataBytes - operation.data.size()) return CKR_DATA_LEN_RANGE;
  operation.data.insert(operation.data.end(), data.begin(), data.end());
  Bytes made;
  if (const CK_RV rv = make_signature(key_server_, operation, made); rv != CKR_OK) return rv;
  std::memcpy(signature, made.data(), made.size());
  *bytes = made.size();
  return CKR_OK;
}

CK_RV Token::finish_verify(CK_SESSION_HANDLE handle, bool after_parts, ByteView data,
                           ByteView signature) {
  Operation operation;
  {
    std::lock_guard guard(lock_);
    if (const CK_RV rv = take(handle, &Session::verifying, after_parts, operation); rv != CKR_OK)
      return rv;
  }
  if (!signature.data() || (!data.data() && !data.empty())) return CKR_ARGUMENTS_BAD;
  if (data.size() > kMaxDataBytes - operation.data.size()) return CKR_DATA_LEN_RANGE;
  operation.data.insert(operation.data.end(), data.begin(), data.end());
  return check_signature(key_server_, operation, signature);
}

CK_RV Token::begin_sign(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked, CK_OBJECT_HANDLE key) {
  return begin(handle, &Session::signing, asked, key);
}
CK_RV Token::sign(CK_SESSION_HANDLE handle, ByteView data, CK_BYTE* signature, CK_ULONG* bytes) {
  return finish_sign(handle, false, data, signature, bytes);
}
CK_RV Token::sign_update(CK_SESSION_HANDLE handle, ByteView part) {
  return update(handle, &Session::signing, part);
}
CK_RV Token::sign_final(CK_SESSION_HANDLE handle, CK_BYTE* signature, CK_ULONG* bytes) {
  return finish_sign(handle, true, {}, signature, bytes);
}
CK_RV Token::begin_verify(CK_SESSION_HANDLE handle, const CK_MECHANISM* asked,
                          CK_OBJECT_HANDLE key) {
  return begin(handle, &Session::verifying, asked, key);
}
CK_RV Token::verify(CK_SESSION_HANDLE handle, ByteView data, ByteView signature) {
  return finish_verify(handle, false, data, signature);
}
CK_RV Token::verify_update(CK_SESSION_HANDLE handle, ByteView part) {
  return update(handle, &Session::verifying, part);
}
CK_RV Token::verify_final(CK_SESSION_HANDLE handle, ByteView signature) {
  return finish_verify(handle, true, {}, signature);
}

CK_RV Token::random(CK_SESSION_HANDLE handle, CK_BYTE* out, CK_ULONG bytes) {
  if (const CK_RV rv = check_session(handle); rv != CKR_OK) return rv;
  if (!out && bytes != 0) return CKR_ARGUMENTS_BAD;
  while (bytes > 0) {
    const CK_ULONG share = std::min(bytes, kRandomBytes);
    Byte wanted[4];
    store_big_endian(wanted, static_cast<std::uint32_t>(share));
    const auto drawn = key_server_.ask(Action::random, 0, {}, wanted);
    if (!drawn)
      return drawn.error().code == Code::denied ? CKR_RANDOM_NO_RNG
                                                : return_value(drawn.error().code);
    if (drawn->size() != share) return CKR_DEVICE_ERROR;
    std::memcpy(out, drawn->data(), share);
    out += share;
    bytes -= share;
  }
  return CKR_OK;
}

}  // namespace nae::pkcs11
