// /v1/keys: the life of keys.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/keys/state.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::admin {
namespace {

json::value primary_version(const keys::Key& key) {
  const keys::Version* primary = key.primary();
  return primary ? json::value(primary->number) : json::value(nullptr);
}

// Where a version's secret is: what a backup of the store and the group key brings back.
std::string_view kept(const keys::Version& version) {
  if (version.state == keys::State::destroyed) return "nowhere";
  return version.material.token_object.empty() ? "wrapped" : "token";
}

Result<Reply> reply_with(const keys::Key& key, unsigned status = 200) {
  json::array versions;
  for (const keys::Version& version : key.versions) {
    json::object shown{{"version", version.number},
                       {"state", keys::name(version.state)},
                       {"created_at", api::format_time(version.created_at_us)},
                       {"kept", kept(version)}};
    if (!version.material.public_key.empty()) {
      NAE_ASSIGN(shown["public_key"], crypto::public_key_to_pem(version.material.public_key));
    }
    versions.push_back(std::move(shown));
  }
  return Reply{{{"name", key.name},
                {"id", to_hex(key.id.bytes)},
                {"type", name(key.type)},
                {"created_at", api::format_time(key.created_at_us)},
                {"primary_version", primary_version(key)},
                {"versions", std::move(versions)}},
               status};
}

// Cached decisions end before the command that ended them is answered.
Result<void> put_in_force(AdminCall& call) {
  call.parts.policy.bump_epoch();
  return call.settle();
}

}  // namespace

Result<Reply> list_keys(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  json::array keys;
  for (const keys::KeyPointer& key : call.parts.ring.list())
    keys.push_back(json::object{{"name", key->name},
                                {"id", to_hex(key->id.bytes)},
                                {"type", name(key->type)},
                                {"created_at", api::format_time(key->created_at_us)},
                                {"primary_version", primary_version(*key)},
                                {"versions", key->versions.size()}});
  return Reply{{{"keys", std::move(keys)}}};
}

Result<Reply> create_key(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(call.audit_target, fields.text("name"));
  NAE_ASSIGN(std::string type_name, fields.text("type"));
  NAE_TRY(fields.complete());
  call.audit_detail = type_name;
  std::optional<KeyType> type = key_type_from_name(type_name);
  if (!type) return fail(Code::invalid_argument, "no key type is called \"" + type_name + "\"");
  NAE_ASSIGN(keys::KeyPointer key, call.parts.ring.create(call.audit_target, *type));
  NAE_TRY(put_in_force(call));
  return reply_with(*key, 201);
}

Result<Reply> show_key(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  call.audit_target = call.names[0];
  keys::KeyPointer key = call.parts.ring.find(call.names[0]);
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  return reply_with(*key);
}

Result<Reply> rotate_key(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(keys::KeyPointer key, call.parts.ring.rotate(call.names[0]));
  call.audit_detail = "version " + std::to_string(key->versions.back().number);
  NAE_TRY(put_in_force(call));
  return reply_with(*key);
}

Result<Reply> set_key_state(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(std::uint64_t number, whole_number(call.names[1], "the version", 1, UINT16_MAX));
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string state_name, fields.text("state"));
  NAE_TRY(fields.complete());
  call.audit_detail = "version " + std::to_string(number) + " " + state_name;
  std::optional<keys::State> state = keys::state_from_name(state_name);
  if (!state) return fail(Code::invalid_argument, "no state is called \"" + state_name + "\"");
  auto version = static_cast<std::uint16_t>(number);
  NAE_ASSIGN(keys::KeyPointer key, call.parts.ring.set_state(call.names[0], version, *state));
  if (*state != keys::State::active) call.parts.working_keys.forget({key->id, version});
  NAE_TRY(put_in_force(call));
  return reply_with(*key);
}

}  // namespace nae::admin
