// /v1/policy/diff: what would change, in words.
#include "keyserver/admin/policy_difference.hpp"

#include "keyserver/admin/policy_revision.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/policy/difference.hpp"

namespace nae::admin {
namespace {

struct Compared {
  policy::Document document;
  std::uint32_t version = 0;  // 0: not applied, or nothing was
};

// Version 0 is the one in force. Before the first one everything is denied.
Result<Compared> applied(AdminCall& call, std::uint64_t version) {
  Result<policy::Revision> revision = policy_revision(call, version);
  if (!revision && version == 0 && revision.error().code == Code::not_found) return Compared{};
  if (!revision) return fail(std::move(revision).error());
  NAE_ASSIGN(policy::Document document, policy::parse(revision->text, policy::Written::before));
  return Compared{std::move(document), revision->number};
}

json::array texts_json(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::object change_json(const policy::Change& change) {
  return {{"text", change.text},
          {"roles", texts_json(change.roles)},
          {"actions", texts_json(change.actions)},
          {"keys", texts_json(change.keys)},
          {"databases", texts_json(change.databases)},
          {"devices", texts_json(change.devices)},
          {"programs", texts_json(change.programs)},
          {"before", change.before},
          {"after", change.after}};
}

json::value version_json(const Compared& compared) {
  return compared.version == 0 ? json::value() : json::value(compared.version);
}

}  // namespace

json::object difference_json(const keys::KeyRing& ring, const policy::Document& before,
                             const policy::Document& after) {
  std::vector<std::string> keys;
  for (const keys::KeyPointer& key : ring.list()) keys.push_back(key->name);
  const policy::Difference difference = policy::compare(before, after, keys);
  json::array changes;
  for (const policy::Change& change : difference.changes) changes.push_back(change_json(change));
  return {{"declarations", texts_json(difference.declarations)},
          {"changes", std::move(changes)},
          {"complete", difference.complete},
          {"warnings", warnings_json(after)}};
}

// Of version "from" (in force when left out) to "document", or version "to" (in force as well).
Result<Reply> diff_policy(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::optional<std::string> text, fields.optional_text("document"));
  NAE_ASSIGN(auto from, fields.optional_integer("from", 1, UINT32_MAX));
  NAE_ASSIGN(auto to, fields.optional_integer("to", 1, UINT32_MAX));
  NAE_TRY(fields.complete());
  if (text && to)
    return fail(Code::invalid_argument, "compare with a document or with a version, not with both");
  NAE_ASSIGN(Compared before, applied(call, static_cast<std::uint64_t>(from.value_or(0))));
  Compared after;
  if (text) {
    NAE_ASSIGN(after.document, policy::parse(*text));
  } else {
    NAE_ASSIGN(after, applied(call, static_cast<std::uint64_t>(to.value_or(0))));
  }
  json::object answer = difference_json(call.parts.keys.ring, before.document, after.document);
  answer["from"] = version_json(before);
  answer["to"] = version_json(after);
  return Reply{std::move(answer)};
}

}  // namespace nae::admin
