// /v1/policy: who may use which key.
#include <algorithm>

#include "keyserver/admin/api/time.hpp"
#include "keyserver/admin/route.hpp"
#include "keyserver/admin/whole_number.hpp"
#include "keyserver/policy/decide.hpp"
#include "libnae/base/text.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kMaxCommentBytes = 1024;

json::object summary(const policy::Revision& revision) {
  return {{"version", revision.number},
          {"applied_at", api::format_time(revision.created_at_us)},
          {"applied_by", revision.author},
          {"comment", revision.comment}};
}

Result<policy::Revision> wanted_revision(AdminCall& call) {
  std::string version = call.parameter("version");
  if (version.empty()) {
    NAE_ASSIGN(std::optional<policy::Revision> latest, call.parts.store.latest());
    if (!latest)
      return fail(Code::not_found, "no policy was ever applied, so everything is denied",
                  "Apply one with 'nae policy apply FILE'.");
    return *std::move(latest);
  }
  NAE_ASSIGN(std::uint64_t number, whole_number(version, "version", 1, UINT32_MAX));
  NAE_ASSIGN(std::vector<policy::Revision> history, call.parts.store.history());
  for (policy::Revision& revision : history)
    if (revision.number == number) return std::move(revision);
  return fail(Code::not_found, "there is no policy version " + version,
              "See 'nae policy history'.");
}

// The question of /v1/policy/test.
struct Question {
  policy::Subject subject;
  Action action{};
  std::string key;
};

Result<Question> read_question(AdminCall& call) {
  NAE_ASSIGN(json::object body, call.body());
  api::Fields fields(body);
  Question question;
  policy::Subject& subject = question.subject;
  NAE_ASSIGN(subject.effective_role, fields.text("role"));
  NAE_ASSIGN(subject.database, fields.text("database"));
  NAE_ASSIGN(subject.program, fields.text("program"));
  NAE_ASSIGN(subject.device, fields.text("device"));
  NAE_ASSIGN(std::string action_name, fields.text("action"));
  NAE_ASSIGN(std::optional<std::string> key, fields.optional_text("key"));
  NAE_ASSIGN(subject.memberships, fields.optional_texts("member_of"));
  NAE_ASSIGN(std::optional<std::string> executable, fields.optional_text("executable"));
  NAE_ASSIGN(std::optional<std::string> digest, fields.optional_text("executable_sha256"));
  NAE_TRY(fields.complete());
  subject.session_role = subject.login_role = subject.effective_role;
  std::sort(subject.memberships.begin(), subject.memberships.end());
  subject.executable = executable.value_or("");
  NAE_ASSIGN(subject.executable_sha256, from_hex(digest.value_or("")));
  std::optional<Action> action = action_from_name(action_name);
  if (!action) return fail(Code::invalid_argument, "no action is called \"" + action_name + "\"");
  question.action = *action;
  question.key = key.value_or("");
  return question;
}

}  // namespace

Result<Reply> show_policy(AdminCall& call) {
  NAE_TRY(call.only_parameters({"version"}));
  call.audit_target = call.parameter("version");
  NAE_ASSIGN(policy::Revision revision, wanted_revision(call));
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
  return Reply{{{"version", snapshot->number}, {"rules", snapshot->document->rules.size()}}};
}

Result<Reply> list_policies(AdminCall& call) {
  NAE_TRY(call.only_parameters({}));
  NAE_ASSIGN(std::vector<policy::Revision> history, call.parts.store.history());
  json::array versions;
  for (const policy::Revision& revision : history) versions.push_back(summary(revision));
  return Reply{{{"versions", std::move(versions)}}};
}

Result<Reply> test_policy(AdminCall& call) {
  NAE_ASSIGN(Question question, read_question(call));
  call.audit_target = question.key;
  call.audit_detail = question.subject.effective_role + " " + std::string(name(question.action));
  auto snapshot = call.parts.policy.snapshot();
  policy::Decision decision = policy::decide(*snapshot->document, question.subject, question.action,
                                             question.key, call.now_us);
  return Reply{{{"allowed", decision.allowed()},
                {"verdict", policy::name(decision.verdict)},
                {"reason", decision.reason},
                {"rule", decision.rule},
                {"policy_version", snapshot->number}}};
}

}  // namespace nae::admin
