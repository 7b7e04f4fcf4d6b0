// /v1/import-key and /v1/keys/{}/import: keys that were made elsewhere.
#include <algorithm>
#include <chrono>

#include "keyserver/admin/route.hpp"
#include "libnae/crypto/base64.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::admin {
namespace {

Result<keys::Import> read_import(api::Fields& fields) {
  keys::Import import;
  NAE_ASSIGN(const std::string wrapped, fields.text("wrapped"));
  NAE_ASSIGN(const auto public_key, fields.optional_text("public_key"));
  // Base64 takes 4 characters for 3 bytes.
  if (wrapped.size() > (keys::kMaxImportBytes + 2) / 3 * 4)
    return fail(Code::value_too_large, "more than a wrapped key has");
  NAE_ASSIGN(import.wrapped, crypto::from_base64(wrapped));
  if (public_key) {
    NAE_ASSIGN(import.public_key, crypto::PublicKey::der_in(*public_key));
  }
  return import;
}

Result<std::optional<keys::Protection>> read_protection(api::Fields& fields) {
  NAE_ASSIGN(const auto text, fields.optional_text("protection"));
  if (!text) return std::nullopt;
  const auto protection = keys::protection_from_name(*text);
  if (!protection) return fail(Code::invalid_argument, "no protection is called \"" + *text + "\"");
  return protection;
}

}  // namespace

Result<Reply> show_import_key(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  // The import key is made at the first call.
  const auto deadline = std::max(call.parts.settings.hsm_timeout, keys::kMakingKey);
  NAE_ASSIGN(const keys::ImportKey key,
             call.parts.keys.hsm.call([](keys::Hsm& hsm) { return hsm.import_key(); }, deadline));
  NAE_ASSIGN(const auto parsed, crypto::PublicKey::from_der(key.public_key));
  return Reply{{{"public_key", parsed.pem()},
                {"type", name(parsed.type())},
                {"hash", name(key.hash)},
                {"wrapping", "rsa-oaep+aes-256-kwp"}}};
}

Result<Reply> import_key(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  keys::NewKey wanted;
  wanted.name = call.names[0];
  NAE_ASSIGN(const std::string type_name, fields.text("type"));
  NAE_ASSIGN(const auto protection, read_protection(fields));
  NAE_ASSIGN(wanted.import, read_import(fields));
  NAE_TRY(fields.complete());
  const std::optional<KeyType> type = key_type_from_name(type_name);
  wanted.protection =
      protection.value_or(type ? keys::usual_protection(*type) : keys::Protection::wrapped);
  call.audit_detail = type_name + " " + std::string(keys::name(wanted.protection));
  if (!type) return fail(Code::invalid_argument, "no key type is called \"" + type_name + "\"");
  wanted.type = *type;
  NAE_TRY(call.parts.keys.ring.create(std::move(wanted)));
  // Decisions about a name that stood for nothing end before this is answered.
  call.parts.policy.bump_epoch();
  NAE_ASSIGN(Reply reply, show_key(call));
  call.audit_digest = api::shown(json::value(reply.body), "digest");
  reply.status = 201;
  return reply;
}

}  // namespace nae::admin
