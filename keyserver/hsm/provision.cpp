#include "keyserver/hsm/provision.hpp"

#include <vector>

#include "keyserver/hsm/binding.hpp"
#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/session.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

constexpr CK_ULONG kGroupKeyBytes = 32;

Result<void> set_user_pin(const Module& module, CK_SLOT_ID slot, const Pin& so_pin,
                          const Pin& user_pin) {
  const CK_FUNCTION_LIST& calls = module.calls();
  CK_SESSION_HANDLE session = 0;
  NAE_TRY(checked("C_OpenSession", calls.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                       nullptr, nullptr, &session)));
  const CK_RV login =
      calls.C_Login(session, CKU_SO, input_pointer(so_pin.value.expose()), so_pin.value.size());
  const CK_RV set =
      login == CKR_OK
          ? calls.C_InitPIN(session, input_pointer(user_pin.value.expose()), user_pin.value.size())
          : CKR_OK;
  calls.C_Logout(session);
  calls.C_CloseSession(session);
  NAE_TRY(checked("C_Login", login));
  return checked("C_InitPIN", set);
}

Result<void> create_token(const Module& module, const std::string& label, const Pin& so_pin,
                          const Pin& user_pin) {
  NAE_ASSIGN(const Bytes padded, padded_label(label));
  NAE_ASSIGN(const CK_SLOT_ID free_slot, find_free_slot(module));
  NAE_TRY(checked("C_InitToken",
                  module.calls().C_InitToken(free_slot, input_pointer(so_pin.value.expose()),
                                             so_pin.value.size(), input_pointer(padded))));
  // SoftHSM gives the token another slot number now.
  NAE_ASSIGN(const CK_SLOT_ID slot, find_token(module, label));
  return set_user_pin(module, slot, so_pin, user_pin);
}

Result<CK_OBJECT_HANDLE> create_group_key(const Session& session, const std::string& label,
                                          ByteView id) {
  // What it unwraps can be used in the HSM and never taken out of it: who has the PIN and the store
  // gets no key in clear (PKCS#11 2.40 section 4.8).
  Attributes unwrapped;
  unwrapped.flag(CKA_SENSITIVE, true).flag(CKA_EXTRACTABLE, false);
  Attributes key;
  key.flag(CKA_TOKEN, true)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .number(CKA_VALUE_LEN, kGroupKeyBytes)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_WRAP, true)
      .flag(CKA_UNWRAP, true)
      // A wrapping key that may also decrypt would hand out in clear what it has wrapped.
      .none_of({CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY, CKA_DERIVE});
  session.allow_only(key, {session.key_wrap_mechanism()});
  const CK_ULONG without_template = key.size();
  key.nested(CKA_UNWRAP_TEMPLATE, unwrapped);
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE object = 0;
  const auto generate = [&](CK_ULONG attributes) {
    return session.calls().C_GenerateKey(session.handle(), &mechanism, key.data(), attributes,
                                         &object);
  };
  CK_RV value = generate(key.size());
  // The attribute is optional in the standard; what it adds is a second lock.
  if (value == CKR_ATTRIBUTE_TYPE_INVALID || value == CKR_ATTRIBUTE_VALUE_INVALID)
    value = generate(without_template);
  if (value != CKR_OK) return fail(error_of_storing("C_GenerateKey", value));
  return object;
}

Result<void> refuse_existing(const Session& session, const std::string& label) {
  for (CK_OBJECT_CLASS kind : {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
    auto found = session.find(kind, label);
    if (!found && found.error().code != Code::conflict) return fail(std::move(found).error());
    if (!found || *found)
      return fail(Code::already_initialised,
                  "the token holds an object labelled '" + label + "' already");
  }
  return {};
}

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

Result<Bytes> create_keys(const Session& session, const std::string& group_key_label) {
  NAE_TRY(refuse_existing(session, group_key_label));
  NAE_TRY(refuse_existing(session, check_key_label(group_key_label)));
  for (keys::ServerKey key : keys::kServerKeys)
    NAE_TRY(refuse_existing(session, label_of(key, group_key_label)));

  Creation creation(session);
  Bytes group_key_id(kObjectIdBytes);
  NAE_TRY(session.random(group_key_id));
  NAE_ASSIGN(const CK_OBJECT_HANDLE group_key,
             create_group_key(session, group_key_label, group_key_id));
  creation.made(group_key);
  // Bound from the beginning: there is no row yet that would have to be believed.
  NAE_ASSIGN(const CK_OBJECT_HANDLE check_key,
             create_check_key(session, check_key_label(group_key_label)));
  creation.made(check_key);
  for (keys::ServerKey key : keys::kServerKeys) {
    Bytes id(kObjectIdBytes);
    NAE_TRY(session.random(id));
    NAE_ASSIGN(const KeyPair pair, generate_pair_on_token(session, KeyType::ecdsa_p256,
                                                          label_of(key, group_key_label), id));
    creation.made(pair.public_key);
    creation.made(pair.private_key);
  }
  creation.complete();
  return group_key_id;
}

// Uses everything once from a module initialised anew. SoftHSM can report success for an object
// that did not fit on the disk and use it from memory: the group key would be gone at the next
// start, and with it every key.
Result<void> use_once(const Options& options) {
  NAE_ASSIGN(const auto hsm, Pkcs11Hsm::open(options));
  NAE_ASSIGN(const keys::Material material, hsm->generate({KeyId{}, 1}, KeyType::hmac_sha_256));
  NAE_TRY(hsm->check_value(KeyType::hmac_sha_256, material));
  for (keys::ServerKey key : keys::kServerKeys) {
    NAE_TRY(hsm->sign_as(key, as_bytes("nae")));
    NAE_TRY(hsm->public_key_of(key));
  }
  return {};
}

void remove_labelled(const Session& session, const std::string& label) {
  for (CK_OBJECT_CLASS kind : {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY})
    if (const auto found = session.find(kind, label); found && *found)
      (void)session.destroy(**found);
}

}  // namespace

Result<void> remove_keys(const Options& options) {
  NAE_ASSIGN(const Pin user_pin, read_pin(options.pin_file));
  NAE_ASSIGN(const auto module, Module::load(options.module, options.module_parameters));
  NAE_ASSIGN(const auto session, open_session(*module, options.token_label, user_pin.value));
  remove_labelled(*session, options.group_key_label);
  remove_labelled(*session, check_key_label(options.group_key_label));
  for (keys::ServerKey key : keys::kServerKeys)
    remove_labelled(*session, label_of(key, options.group_key_label));
  return {};
}

Result<Provisioned> initialise(const Provision& provision) {
  const Options& options = provision.hsm;
  if (options.group_key_label.empty())
    return fail(Code::config_invalid, "the group key needs a label");
  NAE_ASSIGN(const Pin user_pin, read_pin(options.pin_file));
  NAE_ASSIGN(auto module, Module::load(options.module, options.module_parameters));

  Provisioned provisioned;
  const auto token = find_token(*module, options.token_label);
  if (!token) {
    if (token.error().code != Code::hsm_token_missing || !provision.so_pin_file)
      return fail(token.error());
    NAE_ASSIGN(const Pin so_pin, read_pin(*provision.so_pin_file));
    NAE_TRY(create_token(*module, options.token_label, so_pin, user_pin));
    provisioned.token_created = true;
  }
  {
    NAE_ASSIGN(const auto session, open_session(*module, options.token_label, user_pin.value));
    NAE_ASSIGN(provisioned.group_key_id, create_keys(*session, options.group_key_label));
  }
  module.reset();
  if (auto used = use_once(options); !used) {
    NAE_TRY(remove_keys(options));
    return fail(Code::hsm_token_full,
                "the token did not keep what was made on it: " + used.error().message);
  }
  return provisioned;
}

}  // namespace nae::hsm
