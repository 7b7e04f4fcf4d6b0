#include "keyserver/hsm/pkcs11_hsm.hpp"

#include "keyserver/hsm/key_pair.hpp"
#include "keyserver/hsm/session.hpp"
#include "libnae/pkcs11/module.hpp"
#include "libnae/pkcs11/pin_file.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {

std::string label_of(keys::ServerKey key, const std::string& group_key_label) {
  switch (key) {
    case keys::ServerKey::authority:
      return group_key_label + "-authority";
    case keys::ServerKey::audit:
      return group_key_label + "-audit";
    case keys::ServerKey::binding:
      break;
  }
  return group_key_label + "-binding";
}

std::string import_key_label(const std::string& group_key_label) {
  return group_key_label + "-import";
}

Pkcs11Hsm::Pkcs11Hsm(Options options) : options_(std::move(options)) {}

Pkcs11Hsm::~Pkcs11Hsm() = default;

Result<std::unique_ptr<Pkcs11Hsm>> Pkcs11Hsm::open(Options options) {
  auto hsm = prepare(std::move(options));
  NAE_TRY(hsm->connect());
  return hsm;
}

Result<void> Pkcs11Hsm::check_options(const Options& options) {
  if (auto pin = read_pin(options.pin_file); !pin) return fail(std::move(pin).error());
  NAE_TRY(padded_label(options.token_label).map([](const Bytes&) {}));
  return Module::find(options.module).map([](const CK_FUNCTION_LIST*) {});
}

std::unique_ptr<Pkcs11Hsm> Pkcs11Hsm::prepare(Options options) {
  return std::unique_ptr<Pkcs11Hsm>(new Pkcs11Hsm(std::move(options)));
}

Result<void> Pkcs11Hsm::connect() {
  // Every handle belongs to the session that is about to go; closing it destroys its objects.
  cached_.clear();
  recent_.clear();
  server_keys_ = {};
  check_key_ = 0;
  group_key_ = 0;
  session_.reset();

  NAE_ASSIGN(const Pin pin, read_pin(options_.pin_file));
  if (pin.state_of_file == rejected_pin_)
    return fail(Code::hsm_pin_rejected, "the PIN was rejected before and is not tried again",
                "Write the right PIN to " + options_.pin_file.string() + ".");

  const bool fresh_module = !module_;
  if (fresh_module) {
    NAE_ASSIGN(module_, Module::load(options_.module, options_.module_parameters));
  }
  auto session = open_session(*module_, options_.token_label, pin.value);
  // Some modules, SoftHSM among them, see new tokens only when they are initialised again.
  if (!session && !fresh_module &&
      (session.error().code == Code::hsm_token_missing ||
       session.error().code == Code::hsm_unavailable)) {
    const Error first = session.error();
    module_.reset();
    NAE_ASSIGN(module_, Module::load(options_.module, options_.module_parameters));
    session = open_session(*module_, options_.token_label, pin.value);
    // A module may show no token for the reason for which it opened no session.
    if (!session && session.error().code == Code::hsm_token_missing &&
        first.code == Code::hsm_unavailable)
      return fail(first.code, first.message + "; then " + session.error().message);
  }
  if (!session) {
    if (session.error().code == Code::hsm_pin_rejected) rejected_pin_ = pin.state_of_file;
    return fail(std::move(session).error());
  }
  rejected_pin_.clear();

  NAE_ASSIGN(const auto group_key, (*session)->find(CKO_SECRET_KEY, options_.group_key_label));
  if (!group_key)
    return fail(Code::group_key_missing, "token '" + options_.token_label +
                                             "' holds no group key labelled '" +
                                             options_.group_key_label + "'");
  group_key_ = *group_key;
  (*session)->use_key_wrap_of(group_key_);
  session_ = std::move(*session);
  return {};
}

Result<void> Pkcs11Hsm::random(ByteSpan out) {
  return on_session([&] { return session_->random(out); });
}

Result<Bytes> Pkcs11Hsm::public_key_of(keys::ServerKey key) {
  return on_session([&]() -> Result<Bytes> {
    const std::string label = label_of(key, options_.group_key_label);
    NAE_ASSIGN(const auto object, session_->find(CKO_PUBLIC_KEY, label));
    if (!object)
      return fail(Code::hsm_failed, "the token holds no public key labelled '" + label + "'");
    return public_key_der(*session_, *object, KeyType::ecdsa_p256);
  });
}

Result<void> Pkcs11Hsm::check() {
  auto checked = on_session([&]() -> Result<void> {
    NAE_TRY(session_->check_logged_in());
    NAE_ASSIGN(const auto group_key, session_->find(CKO_SECRET_KEY, options_.group_key_label));
    if (!group_key) return fail(Code::group_key_missing, "the group key has gone from the token");
    return {};
  });
  if (checked || checked.error().code != Code::group_key_missing) return checked;
  // The token may have been exchanged for the right one, which a module that stays initialised may
  // never show.
  session_.reset();
  module_.reset();
  return connect();
}

}  // namespace nae::hsm
