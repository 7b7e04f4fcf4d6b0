// /v1/policy: who may use which key.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/policy_difference.hpp"
#include "keyserver/admin/policy_revision.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/policy/warnings.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kMaxCommentBytes = 1024;

json::object summary(const policy::Revision& revision) {
  const bool pruned = revision.pruned_at_us != 0;
  return {
      {"version", revision.number},
      {"applied_at", api::format_time(revision.created_at_us)},
      {"applied_by", revision.author},
      {"comment", revision.comment},
      {"sha256", pruned ? revision.text_sha256 : to_hex(crypto::sha256(as_bytes(revision.text)))},
      {"pruned_at", pruned ? json::value(api::format_time(revision.pruned_at_us)) : json::value()}};
}

}  // namespace

json::array warnings_json(const policy::Document& document) {
  const std::vector<std::string> warnings = policy::warnings(document);
  return json::array(warnings.begin(), warnings.end());
}

Result<policy::Revision> policy_revision(AdminCall& call, std::uint64_t number) {
  if (number == 0) {
    NAE_ASSIGN(std::optional<policy::Revision> latest, call.parts.store.store.latest());
    if (!latest)
      return fail(Code::not_found, "no policy was ever applied, so everything is denied",
                  "Apply one with 'nae policy apply FILE'.");
    return *std::move(latest);
  }
  NAE_ASSIGN(std::vector<policy::Revision> history, call.parts.store.store.history());
  for (policy::Revision& revision : history)
    if (revision.number == number && revision.pruned_at_us == 0) return std::move(revision);
  for (const policy::Revision& revision : history)
    if (revision.number == number)
      return fail(Code::not_found,
                  "the text of policy version " + std::to_string(number) + " was pruned on " +
                      api::format_time(revision.pruned_at_us),
                  "Its SHA-256 is " + revision.text_sha256 + ": look for it in your own archive.");
  return fail(Code::not_found, "there is no policy version " + std::to_string(number),
              "See 'nae policy history'.");
}

Result<Reply> show_policy(AdminCall& call) {
  NAE_TRY(call.only_parameters({"version"}));
  call.audit_target = call.parameter("version");
  std::uint64_t number = 0;
  if (std::string version = call.parameter("version"); !version.empty()) {
    NAE_ASSIGN(number, whole_number(version, "version", 1, UINT32_MAX));
  }
  NAE_ASSIGN(policy::Revision revision, policy_revision(call, number));
  json::object shown = summary(revision);
  shown["document"] = revision.text;
  return Reply{std::move(shown)};
}

namespace {

struct WantedPolicy {
  std::string document, comment;
  std::optional<std::uint32_t> if_revision;
};

Result<WantedPolicy> read_wanted(const AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  WantedPolicy wanted;
  NAE_ASSIGN(wanted.document, fields.text("document"));
  NAE_ASSIGN(std::optional<std::string> comment, fields.optional_text("comment"));
  NAE_ASSIGN(auto if_revision, fields.optional_integer("if_revision", 0, UINT32_MAX));
  NAE_TRY(fields.complete());
  wanted.comment = comment.value_or("");
  if (wanted.comment.size() > kMaxCommentBytes)
    return fail(Code::invalid_argument, "the comment is longer than 1024 bytes");
  if (if_revision) wanted.if_revision = static_cast<std::uint32_t>(*if_revision);
  return wanted;
}

std::string document_digest(std::string_view document) {
  return "document:" + to_hex(crypto::sha256(as_bytes(document)));
}

}  // namespace

// Another text that decides the same is a change: its comments and names are part of the history.
Result<std::optional<Reply>> policy_already(AdminCall& call) {
  NAE_ASSIGN(const WantedPolicy wanted, read_wanted(call));
  NAE_ASSIGN(const std::optional<policy::Revision> latest, call.parts.store.store.latest());
  const auto snapshot = call.parts.policy.snapshot();
  if (!latest || latest->text != wanted.document || latest->number != snapshot->number)
    return std::nullopt;
  NAE_TRY(policy::check_revision(wanted.if_revision, snapshot->number));
  call.audit_digest = document_digest(wanted.document);
  call.audit_target = std::to_string(snapshot->number);
  call.audit_detail = "unchanged";
  // The call that made it so may have ended before it was settled.
  NAE_TRY(call.settle());
  return Reply{{{"version", snapshot->number},
                {"unchanged", true},
                {"rules", snapshot->document->rules.size()},
                {"warnings", warnings_json(*snapshot->document)}}};
}

// check_base() has looked at the revision before, this does it in one step with the change.
Result<Reply> apply_policy(AdminCall& call) {
  NAE_ASSIGN(WantedPolicy wanted, read_wanted(call));
  call.audit_digest = document_digest(wanted.document);
  std::optional<std::uint32_t> base = wanted.if_revision;
  if (!base && !call.base.empty()) {
    NAE_ASSIGN(std::uint64_t approved,
               whole_number(call.base.substr(call.base.find(':') + 1), "the base", 0, UINT32_MAX));
    base = static_cast<std::uint32_t>(approved);
  }
  NAE_ASSIGN(auto snapshot, call.parts.policy.apply(wanted.document, call.admin, wanted.comment,
                                                    call.now_us, base));
  call.audit_target = std::to_string(snapshot->number);
  call.audit_detail = wanted.comment;
  NAE_TRY(call.settle());
  return Reply{{{"version", snapshot->number},
                {"unchanged", false},
                {"rules", snapshot->document->rules.size()},
                {"warnings", warnings_json(*snapshot->document)}}};
}

// What applying it would change. Refused for what applying would be refused for.
Result<Reply> preview_policy(AdminCall& call) {
  NAE_ASSIGN(WantedPolicy wanted, read_wanted(call));
  call.audit_digest = document_digest(wanted.document);
  const auto snapshot = call.parts.policy.snapshot();
  NAE_TRY(policy::check_revision(wanted.if_revision, snapshot->number));
  NAE_ASSIGN(policy::Document document, policy::parse(wanted.document));
  return Reply{difference_json(call.parts.keys.ring, *snapshot->document, document)};
}

Result<Reply> list_policies(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<policy::Revision> history, call.parts.store.store.history());
  json::array versions;
  for (const policy::Revision& revision : history) versions.push_back(summary(revision));
  return Reply{{{"versions", std::move(versions)}}};
}

}  // namespace nae::admin
