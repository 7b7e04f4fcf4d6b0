// /v1/keys: keys as a whole.
#include "keyserver/admin/key_changes.hpp"
#include "keyserver/admin/whole_number.hpp"

namespace nae::admin {
namespace {

// A page is one answer in memory; a client asks for the next with the last name of this one.
constexpr std::uint64_t kMostOnAPage = 1000;

// "env=production", or "env" for any value.
std::pair<std::string, std::string> read_label(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, ""};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

struct Rotation {
  std::int64_t activate_at_us = 0;
  std::optional<std::uint16_t> if_newest;
};
Result<Rotation> read_rotation(const AdminCall& call) {
  Rotation wanted;
  if (call.request.body.empty()) return wanted;
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(wanted.activate_at_us, read_date(fields, "activate_at"));
  NAE_ASSIGN(auto newest, fields.optional_integer("if_newest_version", 1, UINT16_MAX));
  NAE_TRY(fields.complete());
  if (newest) wanted.if_newest = static_cast<std::uint16_t>(*newest);
  return wanted;
}

std::string newest_text(const keys::Key& key) {
  return "version " + std::to_string(key.versions.back().number);
}

}  // namespace

Result<Reply> list_keys(AdminCall& call) {
  NAE_TRY(call.only_parameters({"after", "limit", "owner", "label"}));
  std::uint64_t limit = kMostOnAPage;
  if (const std::string text = call.parameter("limit"); !text.empty()) {
    NAE_ASSIGN(limit, whole_number(text, "limit", 1, kMostOnAPage));
  }
  keys::KeyFilter filter;
  filter.owner = call.parameter("owner");
  if (const std::string label = call.parameter("label"); !label.empty())
    filter.labels.push_back(read_label(label));
  const auto page = call.parts.keys.ring.page(call.parameter("after"), limit, filter);
  json::array keys;
  for (const keys::KeyPointer& key : page) keys.push_back(summary_of(*key));
  json::object body{{"keys", std::move(keys)}};
  // A full page may be the last one; then the next is empty.
  if (page.size() == limit) body["next_after"] = page.back()->name;
  return Reply{std::move(body)};
}

Result<Reply> create_key(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  keys::NewKey wanted;
  NAE_ASSIGN(wanted.name, fields.text("name"));
  call.audit_target = wanted.name;
  NAE_ASSIGN(std::string type_name, fields.text("type"));
  call.audit_detail = type_name;
  std::optional<KeyType> type = key_type_from_name(type_name);
  if (!type) return fail(Code::invalid_argument, "no key type is called \"" + type_name + "\"");
  wanted.type = *type;
  NAE_ASSIGN(auto protection, fields.optional_text("protection"));
  NAE_ASSIGN(wanted.activate_at_us, read_date(fields, "activate_at"));
  NAE_TRY(read_attributes(fields, body, wanted.type, wanted.attributes));
  NAE_TRY(fields.complete());
  wanted.protection = keys::usual_protection(wanted.type);
  if (protection) {
    std::optional<keys::Protection> known = keys::protection_from_name(*protection);
    if (!known)
      return fail(Code::invalid_argument, "no protection is called \"" + *protection + "\"");
    wanted.protection = *known;
  }
  NAE_ASSIGN(keys::KeyPointer key, call.parts.keys.ring.create(std::move(wanted)));
  NAE_TRY(put_in_force(call, *key));
  return changed(call, *key, 201);
}

Result<Reply> show_key(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  call.audit_target = call.names[0];
  keys::KeyPointer key = call.parts.keys.ring.find(call.names[0]);
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  return reply_with(*key);
}

Result<Reply> set_key(AdminCall& call) {
  call.audit_target = call.names[0];
  keys::KeyPointer key = call.parts.keys.ring.find(call.names[0]);
  if (!key) return fail(Code::key_unknown, "no key is called \"" + call.names[0] + "\"");
  NAE_ASSIGN(json::object body, call.body());
  for (const auto& member : body)
    call.audit_detail +=
        (call.audit_detail.empty() ? "" : " ") + std::string(std::string_view(member.key()));
  api::Fields fields(body);
  keys::Attributes attributes = key->attributes;
  NAE_TRY(read_attributes(fields, body, key->type, attributes));
  NAE_TRY(fields.complete());
  NAE_ASSIGN(key, call.parts.keys.ring.set_attributes(call.names[0], attributes));
  NAE_TRY(put_in_force(call, *key));
  return changed(call, *key);
}

// Who has lost the answer asks the same again: a version that is there is not made once more.
Result<std::optional<Reply>> rotated_already(AdminCall& call) {
  NAE_ASSIGN(const Rotation wanted, read_rotation(call));
  const keys::KeyPointer key = call.parts.keys.ring.find(call.names[0]);
  if (!key || !wanted.if_newest) return std::nullopt;
  NAE_ASSIGN(const bool rotated,
             call.parts.keys.ring.is_rotated(*key, wanted.activate_at_us, *wanted.if_newest));
  if (!rotated) return std::nullopt;
  call.audit_target = call.names[0];
  call.audit_detail = newest_text(*key) + " already";
  // The answer that was lost may have been one that it is not in force everywhere yet.
  NAE_TRY(put_in_force(call, *key));
  NAE_ASSIGN(Reply reply, changed(call, *key));
  reply.body["unchanged"] = true;
  return reply;
}

Result<Reply> rotate_key(AdminCall& call) {
  call.audit_target = call.names[0];
  NAE_ASSIGN(const Rotation wanted, read_rotation(call));
  NAE_ASSIGN(keys::KeyPointer key,
             call.parts.keys.ring.rotate(call.names[0], wanted.activate_at_us, wanted.if_newest));
  call.audit_detail = newest_text(*key);
  NAE_TRY(put_in_force(call, *key));
  NAE_ASSIGN(Reply reply, changed(call, *key));
  reply.body["unchanged"] = false;
  return reply;
}

}  // namespace nae::admin
