// Pkcs11Hsm: key material on its way between HSM and store.
#include "keyserver/hsm/wrap.hpp"

#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/mechanisms.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "libnae/base/text.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

constexpr CK_ULONG kWrappedMaxBytes = 8192;  // an RSA-4096 private key takes about 2,400

// Ed25519 and X25519 private keys have no encoding that PKCS#11 2.40 modules wrap; SoftHSM answers
// CKR_KEY_NOT_WRAPPABLE.
bool stays_on_token(KeyType type) {
  return !is_wrappable(type);
}

std::string text_of(const KeyVersionId& id) {
  return to_hex(id.key.bytes) + "-v" + std::to_string(id.version);
}
std::string token_label_of(const KeyVersionId& id) {
  return "nae-" + text_of(id);
}

// The label of the object that `key` has on the token. The store repeats it; another one there, of
// the authority's key say, is the work of a hand: nothing is found, signed or destroyed by it.
Result<std::string> own_label(const keys::HsmKey& key) {
  std::string label = token_label_of(key.id);
  if (stays_on_token(key.type) && key.material.token_object == label) return label;
  return fail(
      Code::store_corrupt,
      "the store names another object of the token than that of key version " + text_of(key.id),
      "The store was changed by a hand.");
}

// HMAC only. It is also the KDF's key: CKA_DERIVE would allow mechanisms that are not ours.
Attributes& add_secret_key_uses(Attributes& attributes) {
  return attributes.flag(CKA_SIGN, true)
      .none_of({CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE});
}

// Values are encrypted under it directly; never a wrapping key, which would unwrap what it
// encrypts.
Attributes& add_cipher_key_uses(Attributes& attributes) {
  return attributes.flag(CKA_ENCRYPT, true)
      .flag(CKA_DECRYPT, true)
      .none_of({CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE});
}

// Its caller says how. It wraps bytes that are the caller's, as an object that is made for that
// call and extractable; nothing else that the token holds is.
Attributes& add_mode_key_uses(Attributes& attributes) {
  for (const CK_ATTRIBUTE_TYPE use : {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP})
    attributes.flag(use, true);
  return attributes.none_of({CKA_SIGN, CKA_VERIFY, CKA_DERIVE});
}

bool is_cipher_key(KeyType type, keys::Protection protection) {
  return takes_cipher_mode(type) ||
         (type == KeyType::aes_256_gcm && protection == keys::Protection::hsm_only);
}

Result<CK_OBJECT_HANDLE> generate_secret_for_wrapping(const Session& session, KeyType type,
                                                      keys::Protection protection) {
  Attributes key;
  add_kind(session, key, type, protection)
      .number(CKA_VALUE_LEN, kSecretKeyBytes)
      .flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, true);
  CK_MECHANISM mechanism{
      is_cipher_key(type, protection) ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  NAE_TRY(checked("C_GenerateKey", session.calls().C_GenerateKey(session.handle(), &mechanism,
                                                                 key.data(), key.size(), &object)));
  return object;
}

// NSS takes no EC private key without the public point (CKA_NSS_DB, pkcs11n.h), which others do not
// know. What it is told is not believed: an imported pair is proved by a signature.
constexpr CK_ATTRIBUTE_TYPE kNssPublicValue = 0xD5A0DB00;

CK_RV call_unwrap(const Session& session, CK_MECHANISM mechanism, CK_OBJECT_HANDLE by,
                  ByteView wrapped, Attributes& kind, Extractable extractable, ByteView point,
                  CK_OBJECT_HANDLE& object, Place place = Place::session) {
  kind.flag(CKA_TOKEN, place == Place::token)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, extractable == Extractable::once);
  const auto call = [&] {
    return session.calls().C_UnwrapKey(session.handle(), &mechanism, by, input_pointer(wrapped),
                                       wrapped.size(), kind.data(), kind.size(), &object);
  };
  const CK_RV value = call();
  if (value != CKR_TEMPLATE_INCOMPLETE || point.empty()) return value;
  kind.bytes(kNssPublicValue, point);
  return call();
}

// What the store holds of a key version.
Result<CK_OBJECT_HANDLE> unwrap_version(const Session& session, CK_OBJECT_HANDLE group_key,
                                        const KeyVersionId& id, KeyType type,
                                        keys::Protection protection,
                                        const keys::Material& material) {
  Attributes kind;
  add_kind(session, kind, type, protection);
  CK_OBJECT_HANDLE object = 0;
  const CK_RV value =
      call_unwrap(session, {session.key_wrap_mechanism(), nullptr, 0}, group_key, material.wrapped,
                  kind, Extractable::no, ec_point_of(type, material.public_key), object);
  if (value == CKR_OK) return object;
  Error error = error_of("C_UnwrapKey", value);
  if (may_mean_changed_material(value)) {
    error.code = Code::store_corrupt;
    error.message = "the group key does not open the material of key version " + text_of(id) +
                    " (" + error.message + ")";
    error.hint = "The store was changed, or belongs to another group key.";
  }
  return fail(std::move(error));
}

}  // namespace

Attributes& add_kind(const Session& session, Attributes& attributes, KeyType type,
                     keys::Protection protection) {
  attributes.number(CKA_CLASS, is_pair(type) ? CKO_PRIVATE_KEY : CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, is_cipher_key(type, protection) ? CKK_AES : object_key_type(type));
  if (is_pair(type)) return add_private_key_uses(session, attributes, type);
  if (takes_cipher_mode(type))
    return session.allow_only(add_mode_key_uses(attributes), cipher_mechanisms());
  return is_cipher_key(type, protection)
             ? session.allow_only(add_cipher_key_uses(attributes), {CKM_AES_GCM})
             : session.allow_only(add_secret_key_uses(attributes), {CKM_SHA256_HMAC});
}

Result<Bytes> wrap(const Session& session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE object) {
  CK_MECHANISM mechanism{session.key_wrap_mechanism(), nullptr, 0};
  Bytes wrapped(kWrappedMaxBytes);
  CK_ULONG size = kWrappedMaxBytes;
  NAE_TRY(checked("C_WrapKey", session.calls().C_WrapKey(session.handle(), &mechanism, by, object,
                                                         wrapped.data(), &size)));
  wrapped.resize(std::min(size, kWrappedMaxBytes));
  wrapped.shrink_to_fit();
  return wrapped;
}

Result<CK_OBJECT_HANDLE> unwrap(const Session& session, CK_MECHANISM mechanism, CK_OBJECT_HANDLE by,
                                ByteView wrapped, Attributes& kind, Extractable extractable,
                                ByteView point) {
  CK_OBJECT_HANDLE object = 0;
  NAE_TRY(checked("C_UnwrapKey",
                  call_unwrap(session, mechanism, by, wrapped, kind, extractable, point, object)));
  return object;
}

Result<CK_OBJECT_HANDLE> unwrap_on_token(const Session& session, CK_OBJECT_HANDLE by,
                                         ByteView wrapped, Attributes& kind, ByteView point) {
  CK_OBJECT_HANDLE object = 0;
  const CK_RV value = call_unwrap(session, {session.key_wrap_mechanism(), nullptr, 0}, by, wrapped,
                                  kind, Extractable::no, point, object, Place::token);
  if (value != CKR_OK) return fail(error_of_storing("C_UnwrapKey", value));
  return object;
}

Result<keys::Material> Pkcs11Hsm::generate(const KeyVersionId& id, KeyType type,
                                           keys::Protection protection) {
  return on_session([&]() -> Result<keys::Material> {
    NAE_TRY(require_mechanisms_for(session_->calls(), session_->slot(), type, protection));
    NAE_TRY(session_->seed());
    return stays_on_token(type) ? generate_on_token(id, type)
                                : generate_wrapped(id, type, protection);
  });
}

Result<keys::Material> Pkcs11Hsm::generate_wrapped(const KeyVersionId& id, KeyType type,
                                                   keys::Protection protection) {
  keys::Material material;
  if (is_pair(type)) {
    NAE_ASSIGN(const KeyPair pair, generate_pair_for_wrapping(*session_, type));
    const TemporaryObject public_half(*session_, pair.public_key);
    const TemporaryObject private_half(*session_, pair.private_key);
    NAE_ASSIGN(material.public_key, public_key_der(*session_, pair.public_key, type));
    NAE_ASSIGN(material.wrapped, wrap(*session_, group_key_, pair.private_key));
  } else {
    NAE_ASSIGN(const CK_OBJECT_HANDLE secret,
               generate_secret_for_wrapping(*session_, type, protection));
    const TemporaryObject extractable(*session_, secret);
    NAE_ASSIGN(material.wrapped, wrap(*session_, group_key_, secret));
  }
  // Opened once before anybody relies on it: what cannot be opened must never reach the store.
  NAE_ASSIGN(const CK_OBJECT_HANDLE object,
             unwrap_version(*session_, group_key_, id, type, protection, material));
  NAE_TRY(remember({id, object, false}));
  return material;
}

Result<keys::Material> Pkcs11Hsm::generate_on_token(const KeyVersionId& id, KeyType type) {
  keys::Material material;
  material.token_object = token_label_of(id);
  NAE_ASSIGN(const KeyPair pair, generate_pair_on_token(*session_, type, material.token_object,
                                                        as_bytes(material.token_object)));
  auto der = public_key_der(*session_, pair.public_key, type);
  if (!der) {
    (void)session_->destroy(pair.private_key);
    (void)session_->destroy(pair.public_key);
    return fail(std::move(der).error());
  }
  material.public_key = std::move(*der);
  NAE_TRY(remember({id, pair.private_key, true}));
  return material;
}

Result<Pkcs11Hsm::ObjectHandle> Pkcs11Hsm::object_of(const keys::HsmKey& key) {
  if (const auto found = cached_.find(key.id); found != cached_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->object;
  }
  if (key.material.token_object.empty()) {
    NAE_ASSIGN(const ObjectHandle object, unwrap_version(*session_, group_key_, key.id, key.type,
                                                         key.protection, key.material));
    NAE_TRY(remember({key.id, object, false}));
    return object;
  }
  NAE_ASSIGN(const std::string label, own_label(key));
  NAE_ASSIGN(const auto object, session_->find(CKO_PRIVATE_KEY, label));
  if (!object)
    return fail(
        Code::hsm_failed,
        "this token does not hold key version " + text_of(key.id) + ", which is not portable",
        "Use the token on which the key was made.");
  NAE_TRY(remember({key.id, *object, true}));
  return *object;
}

Result<void> Pkcs11Hsm::remember(CachedKey key) {
  NAE_TRY(drop(key.id));
  if (recent_.size() >= std::max<std::size_t>(options_.cached_keys, 1)) {
    const KeyVersionId oldest = recent_.back().id;
    NAE_TRY(drop(oldest));
  }
  recent_.push_front(key);
  cached_.emplace(key.id, recent_.begin());
  return {};
}

Result<void> Pkcs11Hsm::drop(const KeyVersionId& id) {
  const auto found = cached_.find(id);
  if (found == cached_.end()) return {};
  const CachedKey key = *found->second;
  recent_.erase(found->second);
  cached_.erase(found);
  return key.on_token ? Result<void>{} : session_->destroy(key.object);
}

Result<bool> Pkcs11Hsm::holds(const keys::HsmKey& key) {
  return on_session([&]() -> Result<bool> {
    if (key.material.token_object.empty()) return true;
    NAE_ASSIGN(const std::string label, own_label(key));
    NAE_ASSIGN(const auto object, session_->find(CKO_PRIVATE_KEY, label));
    return object.has_value();
  });
}

Result<void> Pkcs11Hsm::forget(const keys::HsmKey& key, bool destroy) {
  return on_session([&]() -> Result<void> {
    NAE_TRY(drop(key.id));
    if (!destroy || key.material.token_object.empty()) return {};
    NAE_ASSIGN(const std::string label, own_label(key));
    // The private half last: while it is there, a repeated call still finds something to do.
    for (CK_OBJECT_CLASS half : {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY}) {
      NAE_ASSIGN(const auto object, session_->find(half, label));
      if (object) NAE_TRY(session_->destroy(*object));
    }
    return {};
  });
}

}  // namespace nae::hsm
