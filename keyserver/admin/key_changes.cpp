#include "keyserver/admin/key_changes.hpp"

#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/key_digest.hpp"
#include "keyserver/keys/state.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/certificate.hpp"
#include "libnae/crypto/certificate_chain.hpp"

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

json::array schedule_of(const keys::Version& version) {
  json::array steps;
  for (const keys::Step& step : version.schedule)
    steps.push_back(
        json::object{{"state", keys::name(step.state)}, {"at", api::format_time(step.at_us)}});
  return steps;
}

json::object labels_of(const keys::Key& key) {
  json::object labels;
  for (const auto& [name, value] : key.attributes.labels) labels[name] = value;
  return labels;
}

Result<json::object> certificate_of(const keys::Version& version) {
  NAE_ASSIGN(const crypto::LeafInfo leaf, crypto::leaf_of(version.certificates));
  NAE_ASSIGN(const std::string pem, crypto::chain_to_pem(version.certificates));
  return json::object{
      {"subject", leaf.subject},
      {"issuer", leaf.issuer},
      {"serial", leaf.serial},
      {"not_before", api::format_time(leaf.not_before_s * api::kMicrosecondsPerSecond)},
      {"expires_at", api::format_time(leaf.not_after_s * api::kMicrosecondsPerSecond)},
      {"pem", pem}};
}

template <class List>
json::array names_of(const List& list) {
  json::array names;
  for (auto value : list) names.push_back(json::value(nae::name(value)));
  return names;
}

template <class T>
Result<void> read_names(api::Fields& fields, const json::object& body, std::string_view field,
                        std::optional<T> (*named)(std::string_view), std::vector<T>& into) {
  NAE_ASSIGN(std::vector<std::string> names, fields.optional_texts(field));
  if (!body.contains(field)) return {};
  into.clear();
  for (const std::string& name : names) {
    const auto value = named(name);
    if (!value)
      return fail(Code::invalid_argument,
                  std::string(field) + ": nothing is called \"" + name + "\"");
    if (std::find(into.begin(), into.end(), *value) == into.end()) into.push_back(*value);
  }
  return {};
}

}  // namespace

Result<void> put_in_force(keys::WorkingKeys& working, policy::PolicyBook& policy,
                          const ChangeParts& change, const keys::Key& key, std::uint16_t version,
                          keys::State state) {
  if (state != keys::State::active) working.forget(KeyVersionId{key.id, version});
  policy.bump_epoch();
  return change.settle ? change.settle() : Result<void>{};
}

Result<void> put_in_force(AdminCall& call, const keys::Key& key, std::uint16_t version,
                          keys::State state) {
  return put_in_force(call.parts.keys.working, call.parts.policy, call.parts.change, key, version,
                      state);
}

std::string change_text(std::uint64_t version, keys::State state) {
  return "version " + std::to_string(version) + " " + std::string(keys::name(state));
}

json::object summary_of(const keys::Key& key) {
  return {{"name", key.name},
          {"id", to_hex(key.id.bytes)},
          {"type", name(key.type)},
          {"origin", keys::name(key.origin())},
          {"owner", key.attributes.owner},
          {"labels", labels_of(key)},
          {"created_at", api::format_time(key.created_at_us)},
          {"primary_version", primary_version(key)},
          {"versions", key.versions.size()}};
}

Result<Reply> reply_with(const keys::Key& key, unsigned status) {
  json::array versions;
  for (const keys::Version& version : key.versions) {
    json::object shown{{"version", version.number},
                       {"state", keys::name(version.state)},
                       {"created_at", api::format_time(version.created_at_us)},
                       {"kept", kept(version)},
                       {"origin", keys::name(version.binding.origin)}};
    if (version.changed_at_us != 0) shown["changed_at"] = api::format_time(version.changed_at_us);
    if (!version.schedule.empty()) shown["schedule"] = schedule_of(version);
    if (!version.material.public_key.empty()) {
      NAE_ASSIGN(shown["public_key"], crypto::public_key_to_pem(version.material.public_key));
    }
    if (!version.certificates.empty()) {
      NAE_ASSIGN(shown["certificate"], certificate_of(version));
    }
    versions.push_back(std::move(shown));
  }
  const keys::Attributes& attributes = key.attributes;
  json::object body = summary_of(key);
  body["description"] = attributes.description;
  body["protection"] = keys::name(key.protection);
  body["allowed_actions"] = names_of(attributes.actions);
  body["allowed_algorithms"] = takes_cipher_mode(key.type) ? names_of(attributes.modes)
                               : takes_decryption_scheme(key.type)
                                   ? names_of(attributes.decryptions)
                                   : names_of(attributes.algorithms);
  body["rotate_after_days"] = attributes.rotate_after_days;
  body["rotate_after_uses"] = attributes.rotate_after_uses;
  if (const std::int64_t at_us = keys::rotation_date(key))
    body["rotates_at"] = api::format_time(at_us);
  body["versions"] = std::move(versions);
  body["digest"] = key_digest(key);
  return Reply{std::move(body), status};
}

Result<Reply> changed(AdminCall& call, const keys::Key& key, unsigned status) {
  call.audit_digest = key_digest(key);
  return reply_with(key, status);
}

Result<void> read_attributes(api::Fields& fields, const json::object& body, KeyType type,
                             keys::Attributes& attributes) {
  NAE_ASSIGN(auto owner, fields.optional_text("owner"));
  NAE_ASSIGN(auto description, fields.optional_text("description"));
  NAE_ASSIGN(auto labels, fields.optional_object("labels"));
  NAE_TRY(read_names(fields, body, "allowed_actions", action_from_name, attributes.actions));
  constexpr std::string_view kAlgorithms = "allowed_algorithms";
  NAE_TRY(takes_cipher_mode(type)
              ? read_names(fields, body, kAlgorithms, cipher_from_name, attributes.modes)
          : takes_decryption_scheme(type)
              ? read_names(fields, body, kAlgorithms, decryption_from_name, attributes.decryptions)
              : read_names(fields, body, kAlgorithms, scheme_from_name, attributes.algorithms));
  NAE_ASSIGN(auto days, fields.optional_integer("rotate_after_days", 0, keys::kMaxRotateAfterDays));
  NAE_ASSIGN(auto uses, fields.optional_integer("rotate_after_uses", 0, keys::kMaxRotateAfterUses));
  if (owner) attributes.owner = *std::move(owner);
  if (description) attributes.description = *std::move(description);
  if (days) attributes.rotate_after_days = static_cast<std::uint32_t>(*days);
  if (uses) attributes.rotate_after_uses = *uses;
  if (!labels) return {};
  for (const auto& [name, value] : *labels) {
    if (value.is_null()) {
      attributes.labels.erase(std::string(name));
    } else if (value.is_string()) {
      attributes.labels[std::string(name)] = std::string(value.get_string());
    } else {
      return fail(Code::invalid_argument, "the values of labels must be texts");
    }
  }
  return {};
}

Result<std::int64_t> read_date(api::Fields& fields, std::string_view name) {
  NAE_ASSIGN(auto text, fields.optional_text(name));
  if (!text) return 0;
  return api::parse_time(*text);
}

Result<keys::State> read_state(std::string_view name) {
  std::optional<keys::State> state = keys::state_from_name(name);
  if (!state)
    return fail(Code::invalid_argument, "no state is called \"" + std::string(name) + "\"");
  return *state;
}

}  // namespace nae::admin
