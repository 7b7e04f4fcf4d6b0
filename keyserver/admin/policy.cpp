// /v1/policy: who may use which key.
#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/policy_revision.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/policy/warnings.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kMaxCommentBytes = 1024;

json::object summary(const policy::Revision& revision) {
  return {{"version", revision.number},
          {"applied_at", api::format_time(revision.created_at_us)},
          {"applied_by", revision.author},
          {"comment", revision.comment}};
}

}  // namespace

json::array warnings_json(const policy::Document& document) {
  const std::vector<std::string> warnings = policy::warnings(document);
  return json::array(warnings.begin(), warnings.end());
}

Result<policy::Revision> policy_revision(AdminCall& call, std::uint64_t number) {
  if (number == 0) {
    NAE_ASSIGN(std::optional<policy::Revision> latest, call.parts.store.latest());
    if (!latest)
      return fail(Code::not_found, "no policy was ever applied, so everything is denied",
                  "Apply one with 'nae policy apply FILE'.");
    return *std::move(latest);
  }
  NAE_ASSIGN(std::vector<policy::Revision> history, call.parts.store.history());
  for (policy::Revision& revision : history)
    if (revision.number == number) return std::move(revision);
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

Result<Reply> apply_policy(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  NAE_ASSIGN(std::string document, fields.text("document"));
  NAE_ASSIGN(std::optional<std::string> comment, fields.optional_text("comment"));
  NAE_TRY(fields.complete());
  if (comment && comment->size() > kMaxCommentBytes)
    return fail(Code::invalid_argument, "the comment is longer than 1024 bytes");
  NAE_ASSIGN(auto snapshot,
             call.parts.policy.apply(document, call.admin, comment.value_or(""), call.now_us));
  call.audit_target = std::to_string(snapshot->number);
  call.audit_detail = comment.value_or("");
  NAE_TRY(call.settle());
  return Reply{{{"version", snapshot->number},
                {"rules", snapshot->document->rules.size()},
                {"warnings", warnings_json(*snapshot->document)}}};
}

Result<Reply> list_policies(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<policy::Revision> history, call.parts.store.history());
  json::array versions;
  for (const policy::Revision& revision : history) versions.push_back(summary(revision));
  return Reply{{{"versions", std::move(versions)}}};
}

}  // namespace nae::admin
