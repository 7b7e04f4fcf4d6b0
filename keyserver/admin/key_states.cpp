// /v1/keys/{}/versions: states of versions, what is planned for them, and how they were used.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/key_changes.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/keys/state.hpp"
#include "keyserver/keys/version_limits.hpp"

namespace nae::admin {
namespace {

Result<std::uint16_t> version_in_path(const AdminCall& call) {
  NAE_ASSIGN(std::uint64_t number, whole_number(call.names[1], "the version", 1, UINT16_MAX));
  return static_cast<std::uint16_t>(number);
}

std::string planned_text(const keys::Version& version, keys::State state) {
  const keys::Step* step = keys::find_step(version, state);
  return change_text(version.number, state) +
         (step ? " planned for " + api::format_time(step->at_us) : std::string());
}

json::value date_or_null(std::int64_t time_us) {
  return time_us == 0 ? json::value(nullptr) : json::value(api::format_time(time_us));
}

}  // namespace

Result<Reply> set_key_state(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(std::uint16_t number, version_in_path(call));
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string state_name, fields.text("state"));
  NAE_TRY(fields.complete());
  call.audit_detail = "version " + std::to_string(number) + " " + state_name;
  NAE_ASSIGN(keys::State state, read_state(state_name));
  NAE_ASSIGN(keys::KeyPointer key, call.parts.keys.ring.set_state(call.names[0], number, state));
  call.audit_detail = planned_text(*key->version(number), state);
  NAE_TRY(put_in_force(call, *key, number, state));
  return changed(call, *key);
}

Result<Reply> schedule_key_state(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(std::uint16_t number, version_in_path(call));
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string state_name, fields.text("state"));
  NAE_ASSIGN(std::int64_t at_us, read_date(fields, "at"));
  NAE_TRY(fields.complete());
  if (at_us == 0) return fail(Code::invalid_argument, "\"at\" is missing");
  NAE_ASSIGN(keys::State state, read_state(state_name));
  call.audit_detail = change_text(number, state) + " planned for " + api::format_time(at_us);
  NAE_ASSIGN(keys::KeyPointer key,
             call.parts.keys.ring.schedule(call.names[0], number, {state, at_us}));
  return changed(call, *key);
}

Result<Reply> cancel_key_state(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(std::uint16_t number, version_in_path(call));
  NAE_ASSIGN(keys::State state, read_state(call.names[2]));
  call.audit_detail = change_text(number, state) + " cancelled";
  NAE_ASSIGN(keys::KeyPointer key, call.parts.keys.ring.cancel(call.names[0], number, state));
  return changed(call, *key);
}

// null of versions that draw none.
json::value salts_of(const keys::Key& key, const keys::UsageCount& count) {
  const auto limits = keys::limits_of(key.type, key.protection);
  return limits && limits->salts != 0 ? json::value(count.salts) : json::value();
}

Result<Reply> show_key_usage(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  call.audit_target = call.names[0];
  keys::KeyPointer key = call.parts.keys.ring.find(call.names[0]);
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  json::array versions;
  for (const keys::Version& version : key->versions) {
    const keys::UsageCount count = version.usage ? version.usage->now() : keys::UsageCount{};
    versions.push_back(json::object{{"version", version.number},
                                    {"state", keys::name(version.state)},
                                    {"since", api::format_time(version.created_at_us)},
                                    {"uses", count.uses},
                                    {"salts", salts_of(*key, count)},
                                    {"last_use_at", date_or_null(count.last_use_at_us)},
                                    {"reads", count.reads},
                                    {"last_read_at", date_or_null(count.last_read_at_us)}});
  }
  return Reply{{{"name", key->name}, {"versions", std::move(versions)}}};
}

}  // namespace nae::admin
