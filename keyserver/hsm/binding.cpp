// Pkcs11Hsm: what a secret is known by without being shown, and whether this token binds rows yet.
#include "keyserver/hsm/binding.hpp"

#include <algorithm>

#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/wrap.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

constexpr CK_ULONG kCheckKeyBytes = 32;
constexpr std::string_view kCheckedText = "nae/1 check value";
constexpr std::string_view kLedgerText = "nae/1 ledger";  // and a zero byte, and the store's id
// What the outer HMAC is of: secrets and public keys have check values of their own.
constexpr Byte kSecret = 1, kPublicKey = 2;

// Under this label from the beginning of a binding to its end.
std::string unfinished(const std::string& check_label) {
  return check_label + "-unfinished";
}

Result<Bytes> hmac_under(const Session& session, CK_OBJECT_HANDLE key, ByteView input) {
  NAE_ASSIGN(Bytes code, session.sign({CKM_SHA256_HMAC, nullptr, 0}, key, input));
  if (code.size() != keys::kHmacBytes)
    return fail(Code::hsm_failed, "C_Sign: an HMAC of the wrong length");
  return code;
}

}  // namespace

std::string check_key_label(const std::string& group_key_label) {
  return group_key_label + "-check";
}

std::string ledger_key_label(const std::string& group_key_label) {
  return group_key_label + "-ledger";
}

Result<CK_OBJECT_HANDLE> create_check_key(const Session& session, const std::string& label) {
  Bytes id(kObjectIdBytes);
  NAE_TRY(session.random(id));
  Attributes key;
  key.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .number(CKA_VALUE_LEN, kCheckKeyBytes)
      .flag(CKA_TOKEN, true)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_SIGN, true)
      .none_of({CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE});
  session.allow_only(key, {CKM_SHA256_HMAC});
  CK_MECHANISM mechanism{CKM_GENERIC_SECRET_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  const CK_RV value =
      session.calls().C_GenerateKey(session.handle(), &mechanism, key.data(), key.size(), &object);
  if (value != CKR_OK) return fail(error_of_storing("C_GenerateKey", value));
  return object;
}

Result<Pkcs11Hsm::ObjectHandle> Pkcs11Hsm::check_key() {
  if (check_key_ != 0) return check_key_;
  const std::string label = check_key_label(options_.group_key_label);
  for (const std::string& name : {label, unfinished(label)}) {
    NAE_ASSIGN(const auto found, session_->find(CKO_SECRET_KEY, name));
    if (found) return check_key_ = *found;
  }
  return fail(Code::hsm_failed, "the token holds no secret key labelled '" + label + "'");
}

Result<Bytes> hmac_under_secret(const Session& session, CK_OBJECT_HANDLE group_key,
                                ByteView wrapped, ByteView data) {
  Attributes kind;
  kind.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .flag(CKA_SIGN, true)
      .none_of({CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE});
  session.allow_only(kind, {CKM_SHA256_HMAC});
  auto secret = unwrap(session, {session.key_wrap_mechanism(), nullptr, 0}, group_key, wrapped,
                       kind, Extractable::no);
  if (!secret && secret.error().code == Code::hsm_failed)
    return fail(Code::store_corrupt, "the group key does not open the secret");
  NAE_TRY(secret);
  const TemporaryObject temporary(session, *secret);
  return hmac_under(session, *secret, data);
}

// The inner HMAC is one that `mac` of a raw key gives to whoever asks, and would tell a reader of
// the store whether a guess at a weak secret is right; the outer one nobody can compute.
Result<Bytes> Pkcs11Hsm::check_value(KeyType type, const keys::Material& material) {
  return on_session([&]() -> Result<Bytes> {
    Bytes input{is_pair(type) ? kPublicKey : kSecret};
    if (is_pair(type)) {
      const auto digest = crypto::sha256(material.public_key);
      input.insert(input.end(), digest.begin(), digest.end());
    } else {
      NAE_ASSIGN(const Bytes inner, hmac_under_secret(*session_, group_key_, material.wrapped,
                                                      as_bytes(kCheckedText)));
      input.insert(input.end(), inner.begin(), inner.end());
    }
    NAE_ASSIGN(const ObjectHandle key, check_key());
    return hmac_under(*session_, key, input);
  });
}

Result<bool> Pkcs11Hsm::binds() {
  return on_session([&]() -> Result<bool> {
    NAE_ASSIGN(const auto found,
               session_->find(CKO_SECRET_KEY, check_key_label(options_.group_key_label)));
    return found.has_value();
  });
}

Result<void> Pkcs11Hsm::begin_binding() {
  return on_session([&]() -> Result<void> {
    const std::string pair_label = label_of(keys::ServerKey::binding, options_.group_key_label);
    NAE_ASSIGN(const auto pair, session_->find(CKO_PRIVATE_KEY, pair_label));
    if (!pair) {
      Bytes id(kObjectIdBytes);
      NAE_TRY(session_->random(id));
      NAE_TRY(generate_pair_on_token(*session_, KeyType::ecdsa_p256, pair_label, id));
    }
    if (check_key()) return {};
    return create_check_key(*session_, unfinished(check_key_label(options_.group_key_label)))
        .map([](CK_OBJECT_HANDLE) {});
  });
}

Result<void> Pkcs11Hsm::finish_binding() {
  return finish(check_key_label(options_.group_key_label));
}

// Under its own name the key says that what was begun with it holds.
Result<void> Pkcs11Hsm::finish(const std::string& label) {
  return on_session([&]() -> Result<void> {
    NAE_ASSIGN(const auto begun, session_->find(CKO_SECRET_KEY, unfinished(label)));
    if (!begun) return {};
    Attributes name;
    name.text(CKA_LABEL, label);
    const CK_RV value =
        session_->calls().C_SetAttributeValue(session_->handle(), *begun, name.data(), name.size());
    if (value != CKR_OK) return fail(error_of_storing("C_SetAttributeValue", value));
    return {};
  });
}

Result<bool> Pkcs11Hsm::has_ledger() {
  return on_session([&]() -> Result<bool> {
    NAE_ASSIGN(const auto found,
               session_->find(CKO_SECRET_KEY, ledger_key_label(options_.group_key_label)));
    return found.has_value();
  });
}

Result<void> Pkcs11Hsm::begin_ledger() {
  return on_session([&]() -> Result<void> {
    const std::string label = ledger_key_label(options_.group_key_label);
    for (const std::string& name : {label, unfinished(label)}) {
      NAE_ASSIGN(const auto found, session_->find(CKO_SECRET_KEY, name));
      if (found) return {};
    }
    return create_check_key(*session_, unfinished(label)).map([](CK_OBJECT_HANDLE) {});
  });
}

Result<void> Pkcs11Hsm::finish_ledger() {
  return finish(ledger_key_label(options_.group_key_label));
}

Result<crypto::SecretBytes> Pkcs11Hsm::ledger_key(std::string_view store) {
  return on_session([&]() -> Result<crypto::SecretBytes> {
    const std::string label = ledger_key_label(options_.group_key_label);
    std::string input(kLedgerText);
    input += '\0';
    input += store;
    for (const std::string& name : {label, unfinished(label)}) {
      NAE_ASSIGN(const auto found, session_->find(CKO_SECRET_KEY, name));
      if (!found) continue;
      NAE_ASSIGN(const Bytes code, hmac_under(*session_, *found, as_bytes(input)));
      crypto::SecretBytes key(code.size());
      std::ranges::copy(code, key.expose_for_writing().begin());
      return key;
    }
    return fail(Code::not_found, "the token holds no secret key labelled '" + label + "'");
  });
}

}  // namespace nae::hsm
