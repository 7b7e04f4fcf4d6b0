#include "keyserver/hsm/group.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "keyserver/hsm/binding.hpp"
#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "keyserver/hsm/wrap.hpp"
#include "libnae/custody/custody_secret.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

using custody::Kept;
using custody::KeptKey;

constexpr KeyType kPairType = KeyType::ecdsa_p256;

// Objects made so far; destroyed unless everything was.
class Creation {
 public:
  explicit Creation(const Session& session) : session_(session) {}
  ~Creation() {
    if (complete_) return;
    for (CK_OBJECT_HANDLE object : made_) (void)session_.destroy(object);
  }
  Creation(const Creation&) = delete;
  Creation& operator=(const Creation&) = delete;

  void made(CK_OBJECT_HANDLE object) { made_.push_back(object); }
  void complete() { complete_ = true; }

 private:
  const Session& session_;
  std::vector<CK_OBJECT_HANDLE> made_;
  bool complete_ = false;
};

// A key of the session whose value is known here: it wraps and unwraps by KWP.
Result<CK_OBJECT_HANDLE> create_secret(const Session& session, ByteView value, CK_KEY_TYPE type,
                                       bool wraps) {
  Attributes key;
  key.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, type)
      .flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, !wraps)
      .flag(CKA_WRAP, wraps)
      .flag(CKA_UNWRAP, wraps)
      .none_of({CKA_ENCRYPT, CKA_DECRYPT, CKA_VERIFY, CKA_DERIVE})
      .flag(CKA_SIGN, !wraps)
      .secret(CKA_VALUE, value);
  CK_OBJECT_HANDLE object = 0;
  NAE_TRY(checked("C_CreateObject", session.calls().C_CreateObject(session.handle(), key.data(),
                                                                   key.size(), &object)));
  return object;
}

Result<CK_OBJECT_HANDLE> create_wrapping_key(const Session& session, const WrappedGroup& group,
                                             Kept kind) {
  const crypto::SecretBytes by =
      custody::wrapping_key(group.secret, group.group, group.generation, kind);
  return create_secret(session, by.expose(), CKK_AES, true);
}

// What makes the object of this kind what it is, in the session and on the token alike.
Attributes& add_kind_of(const Session& session, Attributes& key, Kept kind) {
  if (is_pair(kind)) {
    key.number(CKA_CLASS, CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_EC);
    return add_private_key_uses(session, key, kPairType);
  }
  key.number(CKA_CLASS, CKO_SECRET_KEY);
  if (kind == Kept::check_key || kind == Kept::ledger_key)
    return session.allow_only(
        key.number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
            .flag(CKA_SIGN, true)
            .none_of({CKA_VERIFY, CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE}),
        {CKM_SHA256_HMAC});
  // A wrapping key that may also decrypt would hand out in clear what it has wrapped.
  return session.allow_only(
      key.number(CKA_KEY_TYPE, CKK_AES)
          .flag(CKA_WRAP, true)
          .flag(CKA_UNWRAP, true)
          .none_of({CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_DERIVE}),
      {session.key_wrap_mechanism()});
}

Result<CK_OBJECT_HANDLE> generate_secret(const Session& session, Kept kind) {
  Attributes key;
  add_kind_of(session, key, kind)
      .number(CKA_VALUE_LEN, kSecretKeyBytes)
      .flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, true);
  CK_MECHANISM mechanism{kind == Kept::group_key ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN,
                         nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  NAE_TRY(checked("C_GenerateKey", session.calls().C_GenerateKey(session.handle(), &mechanism,
                                                                 key.data(), key.size(), &object)));
  return object;
}

Result<KeptKey> make_wrapped(const Session& session, Kept kind, CK_OBJECT_HANDLE by) {
  KeptKey key{kind, {}, {}};
  if (!is_pair(kind)) {
    NAE_ASSIGN(const CK_OBJECT_HANDLE secret, generate_secret(session, kind));
    const TemporaryObject extractable(session, secret);
    NAE_ASSIGN(key.wrapped, wrap(session, by, secret));
    return key;
  }
  NAE_ASSIGN(const KeyPair pair, generate_pair_for_wrapping(session, kPairType));
  const TemporaryObject public_half(session, pair.public_key);
  const TemporaryObject private_half(session, pair.private_key);
  NAE_ASSIGN(key.public_key, public_key_der(session, pair.public_key, kPairType));
  NAE_ASSIGN(key.wrapped, wrap(session, by, pair.private_key));
  return key;
}

Result<CK_OBJECT_HANDLE> unwrap_kept(const Session& session, const KeptKey& key,
                                     CK_OBJECT_HANDLE by, const std::string& label, ByteView id) {
  // What the group key unwraps can be used in the HSM and never taken out of it: who has the PIN
  // and the store gets no key in clear (PKCS#11 2.40 section 4.8).
  Attributes unwrapped;
  unwrapped.flag(CKA_SENSITIVE, true).flag(CKA_EXTRACTABLE, false);
  const auto attempt = [&](bool with_template) {
    Attributes object;
    add_kind_of(session, object, key.kind).text(CKA_LABEL, label).bytes(CKA_ID, id);
    if (with_template) object.nested(CKA_UNWRAP_TEMPLATE, unwrapped);
    return unwrap_on_token(session, by, key.wrapped, object,
                           ec_point_of(kPairType, key.public_key));
  };
  auto made = attempt(key.kind == Kept::group_key);
  if (made || key.kind != Kept::group_key) return made;
  // The attribute is optional in the standard; what it adds is a second lock.
  for (const CK_RV unknown : {CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID})
    if (made.error().message.ends_with(return_value_name(unknown))) return attempt(false);
  return made;
}

// Whether `by` opens it, before anything is kept: what a token answers when it should keep what it
// cannot open is also what a full one answers.
Result<void> check_opens(const Session& session, const KeptKey& key, CK_OBJECT_HANDLE by) {
  Attributes kind;
  add_kind_of(session, kind, key.kind);
  const auto object = unwrap(session, {session.key_wrap_mechanism(), nullptr, 0}, by, key.wrapped,
                             kind, Extractable::no, ec_point_of(kPairType, key.public_key));
  if (object) return session.destroy(*object);
  if (object.error().code != Code::hsm_failed) return fail(object.error());
  return fail(Code::authentication_failed,
              "the custody secret does not open what is kept (" + object.error().message + ")");
}

Result<void> put_on_token(const Session& session, Creation& creation, const KeptKey& key,
                          CK_OBJECT_HANDLE by, const std::string& label, ByteView id) {
  NAE_ASSIGN(const CK_OBJECT_HANDLE object, unwrap_kept(session, key, by, label, id));
  creation.made(object);
  if (!is_pair(key.kind)) return {};
  NAE_ASSIGN(const CK_OBJECT_HANDLE public_half,
             create_public_key(session, kPairType, key.public_key, label, id));
  creation.made(public_half);
  return {};
}

// Tells one group key from another. The wrapped bytes are not kept: in the store they would be a
// key whose value is known.
Result<crypto::Sha256Digest> check_of(const Session& session, CK_OBJECT_HANDLE group_key) {
  std::array<Byte, kSecretKeyBytes> known;
  std::iota(known.begin(), known.end(), Byte{0});
  NAE_ASSIGN(const CK_OBJECT_HANDLE object,
             create_secret(session, known, CKK_GENERIC_SECRET, false));
  const TemporaryObject temporary(session, object);
  NAE_ASSIGN(const Bytes wrapped, wrap(session, group_key, object));
  return crypto::sha256(wrapped);
}

Result<CK_OBJECT_HANDLE> group_key_on(const Session& session, const std::string& label) {
  NAE_ASSIGN(const auto found, session.find(CKO_SECRET_KEY, label));
  if (!found) return fail(Code::hsm_token_full, "the token did not keep the group key");
  return *found;
}

}  // namespace

std::string label_of(Kept kind, const std::string& group_key_label) {
  switch (kind) {
    case Kept::check_key:
      return check_key_label(group_key_label);
    case Kept::authority:
      return label_of(keys::ServerKey::authority, group_key_label);
    case Kept::audit:
      return label_of(keys::ServerKey::audit, group_key_label);
    case Kept::binding:
      return label_of(keys::ServerKey::binding, group_key_label);
    case Kept::ledger_key:
      return ledger_key_label(group_key_label);
    case Kept::group_key:
    case Kept::so_pin:
      break;
  }
  return group_key_label;
}

Bytes object_id(Kept kind, const custody::GroupId& group) {
  if (kind == Kept::group_key) return {group.begin(), group.end()};
  const Byte number = static_cast<Byte>(kind);
  const crypto::Sha256Digest digest = crypto::sha256(group, ByteView(&number, 1));
  return {digest.begin(), digest.begin() + custody::kGroupIdBytes};
}

Result<WrappedGroup> make_group(const Session& session, const std::string& group_key_label,
                                const custody::GroupId& group) {
  WrappedGroup made;
  made.group = group;
  made.secret = crypto::SecretBytes(custody::kSecretBytes);
  NAE_TRY(session.random(made.secret.expose_for_writing()));
  NAE_TRY(session.seed());
  Creation creation(session);
  for (const Kept kind : kGroupKinds) {
    NAE_ASSIGN(const CK_OBJECT_HANDLE by, create_wrapping_key(session, made, kind));
    const TemporaryObject wrapping(session, by);
    NAE_ASSIGN(KeptKey key, make_wrapped(session, kind, by));
    NAE_TRY(put_on_token(session, creation, key, by, label_of(kind, group_key_label),
                         object_id(kind, group)));
    made.kept.push_back(std::move(key));
  }
  NAE_ASSIGN(const CK_OBJECT_HANDLE group_key, group_key_on(session, group_key_label));
  NAE_ASSIGN(made.check, check_of(session, group_key));
  creation.complete();
  return made;
}

Result<WrappedGroup> bring_back_group(const Session& session, const std::string& group_key_label,
                                      const WrappedGroup& wrapped) {
  WrappedGroup back;
  back.group = wrapped.group;
  back.generation = wrapped.generation;
  back.check = wrapped.check;
  back.kept = wrapped.kept;
  Creation creation(session);
  for (const KeptKey& key : wrapped.kept) {
    if (key.kind == Kept::so_pin) continue;
    NAE_ASSIGN(const CK_OBJECT_HANDLE by, create_wrapping_key(session, wrapped, key.kind));
    const TemporaryObject wrapping(session, by);
    NAE_TRY(check_opens(session, key, by));
    NAE_TRY(put_on_token(session, creation, key, by, label_of(key.kind, group_key_label),
                         object_id(key.kind, wrapped.group)));
  }
  NAE_ASSIGN(const CK_OBJECT_HANDLE group_key, group_key_on(session, group_key_label));
  NAE_ASSIGN(const crypto::Sha256Digest check, check_of(session, group_key));
  if (check != wrapped.check)
    return fail(Code::authentication_failed, "the group key is not the one of the custody file");
  creation.complete();
  return back;
}

Result<WrappedGroup> rewrap_group(const Session& session, const std::string& group_key_label,
                                  const WrappedGroup& wrapped) {
  NAE_ASSIGN(const CK_OBJECT_HANDLE group_key, group_key_on(session, group_key_label));
  NAE_ASSIGN(const crypto::Sha256Digest on_token, check_of(session, group_key));
  if (on_token != wrapped.check)
    return fail(Code::conflict, "the token holds another group than the custody file");
  WrappedGroup anew;
  anew.group = wrapped.group;
  anew.generation = wrapped.generation + 1;
  anew.check = wrapped.check;
  anew.secret = crypto::SecretBytes(custody::kSecretBytes);
  NAE_TRY(session.random(anew.secret.expose_for_writing()));
  NAE_TRY(session.seed());
  for (const KeptKey& key : wrapped.kept) {
    if (key.kind == Kept::so_pin) continue;
    NAE_ASSIGN(const CK_OBJECT_HANDLE before, create_wrapping_key(session, wrapped, key.kind));
    const TemporaryObject opens(session, before);
    NAE_TRY(check_opens(session, key, before));
    Attributes kind;
    add_kind_of(session, kind, key.kind);
    NAE_ASSIGN(const CK_OBJECT_HANDLE object,
               unwrap(session, {session.key_wrap_mechanism(), nullptr, 0}, before, key.wrapped,
                      kind, Extractable::once, ec_point_of(kPairType, key.public_key)));
    const TemporaryObject extractable(session, object);
    if (key.kind == Kept::group_key) {
      NAE_ASSIGN(const crypto::Sha256Digest check, check_of(session, object));
      if (check != wrapped.check)
        return fail(Code::authentication_failed, "the group key is not that of the custody file");
    }
    NAE_ASSIGN(const CK_OBJECT_HANDLE after, create_wrapping_key(session, anew, key.kind));
    const TemporaryObject wraps(session, after);
    KeptKey again{key.kind, key.public_key, {}};
    NAE_ASSIGN(again.wrapped, wrap(session, after, object));
    NAE_TRY(check_opens(session, again, after));
    anew.kept.push_back(std::move(again));
  }
  return anew;
}

}  // namespace nae::hsm
