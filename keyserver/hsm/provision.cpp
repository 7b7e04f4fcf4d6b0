#include "keyserver/hsm/provision.hpp"

#include <algorithm>
#include <iterator>

#include "keyserver/hsm/session.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

Result<void> set_user_pin(const Module& module, CK_SLOT_ID slot, const crypto::SecretBytes& so_pin,
                          const Pin& user_pin) {
  const CK_FUNCTION_LIST& calls = module.calls();
  CK_SESSION_HANDLE session = 0;
  NAE_TRY(checked("C_OpenSession", calls.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                       nullptr, nullptr, &session)));
  const CK_RV login = calls.C_Login(session, CKU_SO, input_pointer(so_pin.expose()), so_pin.size());
  const CK_RV set =
      login == CKR_OK
          ? calls.C_InitPIN(session, input_pointer(user_pin.value.expose()), user_pin.value.size())
          : CKR_OK;
  calls.C_Logout(session);
  calls.C_CloseSession(session);
  NAE_TRY(checked("C_Login", login));
  return checked("C_InitPIN", set);
}

bool lacks_user_pin(const Module& module, CK_SLOT_ID slot) {
  CK_TOKEN_INFO info{};
  return module.calls().C_GetTokenInfo(slot, &info) == CKR_OK &&
         (info.flags & CKF_TOKEN_INITIALIZED) != 0 && (info.flags & CKF_USER_PIN_INITIALIZED) == 0;
}

Result<void> create_token(const Module& module, const std::string& label,
                          const crypto::SecretBytes& so_pin, const Pin& user_pin) {
  NAE_ASSIGN(const Bytes padded, padded_label(label));
  NAE_ASSIGN(const CK_SLOT_ID free_slot, find_free_slot(module));
  NAE_TRY(
      checked("C_InitToken", module.calls().C_InitToken(free_slot, input_pointer(so_pin.expose()),
                                                        so_pin.size(), input_pointer(padded))));
  // SoftHSM gives the token another slot number now.
  NAE_ASSIGN(const CK_SLOT_ID slot, find_token(module, label));
  return set_user_pin(module, slot, so_pin, user_pin);
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

// Nothing is made while one of the labels is taken.
Result<void> refuse_existing_keys(const Session& session, const std::string& group_key_label) {
  for (const custody::Kept kind : kGroupKinds)
    NAE_TRY(refuse_existing(session, label_of(kind, group_key_label)));
  return {};
}

// Uses everything once from a module initialised anew. SoftHSM can report success for an object
// that did not fit on the disk and use it from memory: the group key would be gone at the next
// start, and with it every key.
Result<void> use_once(const Options& options) {
  NAE_ASSIGN(const auto hsm, Pkcs11Hsm::open(options));
  NAE_ASSIGN(const keys::Material material, hsm->generate({KeyId{}, 1}, KeyType::hmac_sha_256));
  NAE_TRY(hsm->check_value(KeyType::hmac_sha_256, material));
  NAE_TRY(hsm->ledger_key("nae"));
  for (keys::ServerKey key : keys::kServerKeys) {
    NAE_TRY(hsm->sign_as(key, as_bytes("nae")));
    NAE_TRY(hsm->public_key_of(key));
  }
  return {};
}

// All of this class and label: a run that was cut may have left several.
Result<std::vector<CK_OBJECT_HANDLE>> find_all(const Session& session, CK_OBJECT_CLASS kind,
                                               const std::string& label) {
  Attributes wanted;
  wanted.flag(CKA_TOKEN, true).number(CKA_CLASS, kind).text(CKA_LABEL, label);
  NAE_TRY(checked("C_FindObjectsInit", session.calls().C_FindObjectsInit(
                                           session.handle(), wanted.data(), wanted.size())));
  std::vector<CK_OBJECT_HANDLE> all;
  CK_OBJECT_HANDLE found[16];
  CK_ULONG count = 0;
  CK_RV searched = CKR_OK;
  do {
    searched = session.calls().C_FindObjects(session.handle(), found, std::size(found), &count);
    if (searched != CKR_OK) break;
    all.insert(all.end(), found, found + std::min<CK_ULONG>(count, std::size(found)));
  } while (count != 0);
  const CK_RV ended = session.calls().C_FindObjectsFinal(session.handle());
  NAE_TRY(checked("C_FindObjects", searched));
  NAE_TRY(checked("C_FindObjectsFinal", ended));
  return all;
}

Result<void> remove_object(const Session& session, CK_OBJECT_HANDLE object,
                           const std::optional<Bytes>& of) {
  if (of) {
    NAE_ASSIGN(const Bytes id, session.read_attribute(object, CKA_ID));
    if (id != *of) return {};
  }
  return session.destroy(object);
}

// Whatever has the label; with an id, that alone which has it, too. Goes on after a failure, and
// answers the first.
Result<void> remove_labelled(const Session& session, const std::string& label,
                             const std::optional<Bytes>& of) {
  Result<void> outcome;
  for (CK_OBJECT_CLASS kind : {CKO_SECRET_KEY, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY}) {
    const auto found = find_all(session, kind, label);
    if (!found) {
      if (outcome) outcome = fail(found.error());
      continue;
    }
    for (const CK_OBJECT_HANDLE object : *found)
      if (auto removed = remove_object(session, object, of); !removed && outcome)
        outcome = std::move(removed);
  }
  return outcome;
}

Result<void> remove_objects(const Options& options, const custody::GroupId* of) {
  NAE_ASSIGN(const Pin user_pin, read_pin(options.pin_file));
  NAE_ASSIGN(const auto module, Module::load(options.module, options.module_parameters));
  NAE_ASSIGN(const auto session, open_session(*module, options.token_label, user_pin.value));
  Result<void> outcome;
  for (const custody::Kept kind : kGroupKinds)
    if (auto removed = remove_labelled(*session, label_of(kind, options.group_key_label),
                                       of ? std::optional(object_id(kind, *of)) : std::nullopt);
        !removed && outcome)
      outcome = std::move(removed);
  return outcome;
}

}  // namespace

Result<void> remove_keys(const Options& options) {
  return remove_objects(options, nullptr);
}

Result<void> remove_group(const Options& options, const custody::GroupId& group) {
  return remove_objects(options, &group);
}

Result<WrappedGroup> change_custody(const Options& options, const WrappedGroup& wrapped) {
  NAE_ASSIGN(const Pin user_pin, read_pin(options.pin_file));
  NAE_ASSIGN(const auto module, Module::load(options.module, options.module_parameters));
  NAE_ASSIGN(const auto session, open_session(*module, options.token_label, user_pin.value));
  return rewrap_group(*session, options.group_key_label, wrapped);
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
    const bool may_create = provision.so_pin_file || provision.so_pin.size() != 0;
    if (token.error().code != Code::hsm_token_missing || !may_create) return fail(token.error());
    if (provision.so_pin_file) {
      NAE_ASSIGN(const Pin so_pin, read_pin(*provision.so_pin_file));
      NAE_TRY(create_token(*module, options.token_label, so_pin.value, user_pin));
    } else {
      NAE_TRY(create_token(*module, options.token_label, provision.so_pin, user_pin));
    }
    provisioned.token_created = true;
  } else if (provision.so_pin.size() != 0 && lacks_user_pin(*module, *token)) {
    // A run before was cut off between making the token and giving it its PIN.
    NAE_TRY(set_user_pin(*module, *token, provision.so_pin, user_pin));
    provisioned.token_created = true;
  }
  {
    NAE_ASSIGN(const auto session, open_session(*module, options.token_label, user_pin.value));
    NAE_TRY(refuse_existing_keys(*session, options.group_key_label));
    if (provision.about_to_make) NAE_TRY(provision.about_to_make());
    NAE_ASSIGN(provisioned.group,
               provision.brought_back
                   ? bring_back_group(*session, options.group_key_label, *provision.brought_back)
                   : make_group(*session, options.group_key_label, provision.group));
  }
  module.reset();
  if (auto used = use_once(options); !used) {
    Error error(Code::hsm_token_full,
                "the token did not keep what was made on it: " + used.error().message);
    if (auto removed = remove_group(options, provision.group); !removed)
      error.message += "; and keys are still on the token: " + removed.error().message;
    return fail(std::move(error));
  }
  return provisioned;
}

}  // namespace nae::hsm
