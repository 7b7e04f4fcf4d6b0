// nae approvals | approve | reject
#include <ostream>

#include "cli/approval_command.hpp"
#include "cli/command.hpp"
#include "cli/confirmation.hpp"
#include "cli/local_time.hpp"
#include "cli/policy_command.hpp"
#include "cli/table.hpp"
#include "libnae/base/output.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct IdOptions {
  std::string id;
};

struct Decided {
  std::string by, at;
  bool rejected = false, stale = false;  // of a card that the custodians have no more
};

// A server of an older release tells the last decision alone.
std::vector<Decided> decisions(const json::value& approval) {
  std::vector<Decided> all;
  const json::value* list = approval.as_object().if_contains("decisions");
  if (list && list->is_array()) {
    for (const json::value& one : items(approval, "decisions"))
      all.push_back({shown(one, "by"), shown(one, "at"), shown(one, "decision") == "rejected",
                     shown(one, "counts") == "false"});
  } else if (std::string by = shown(approval, "decided_by"); !by.empty()) {
    all.push_back(
        {by, shown(approval, "decided_at"), shown(approval, "state") == "rejected", false});
  }
  return all;
}

std::string deciders(const json::value& approval) {
  std::string names;
  for (const Decided& decision : decisions(approval))
    names += (names.empty() ? "" : ", ") + decision.by;
  return names;
}

}  // namespace

void show_request(Call& call, const json::value& approval) {
  call.out << "request      " << shown(approval, "id") << ", " << shown(approval, "state") << '\n'
           << "operation    " << shown(approval, "operation") << '\n'
           << "call         " << shown(approval, "method") << ' '
           << printable(shown(approval, "target")) << '\n'
           << "requested by " << printable(shown(approval, "requested_by")) << ", "
           << local_time_with_zone(shown(approval, "requested_at")) << '\n'
           << "expires      " << local_time_with_zone(shown(approval, "expires_at")) << '\n'
           << "digest       " << shown(approval, "digest") << '\n';
  for (const Decided& decision : decisions(approval))
    call.out << (decision.rejected ? "rejected by  " : "approved by  ") << printable(decision.by)
             << ", " << local_time_with_zone(decision.at)
             << (decision.stale ? "; counts no longer: the custodians have changed" : "") << '\n';
  if (std::string base = shown(approval, "base"); !base.empty())
    call.out << "changes      " << base << '\n';
  if (std::string refused = shown(approval, "refused"); !refused.empty())
    call.out << "CANNOT BE APPROVED: " << printable(refused) << '\n';
  const json::value* difference = approval.as_object().if_contains("difference");
  if (difference && difference->is_object()) {
    call.out << "difference:\n";
    // Of a policy; other requests say in words of their own what they would do.
    if (difference->as_object().contains("changes"))
      print_difference(call.out, *difference);
    else
      for (const auto& member : difference->get_object())
        call.out << "  " << printable(std::string_view(member.key())) << ": "
                 << printable(json::serialize(member.value())) << '\n';
  }
  // A policy is a text of many lines: people approve what they can read.
  boost::system::error_code malformed;
  json::value body = json::parse(shown(approval, "body"), malformed);
  if (malformed || !body.is_object()) return;
  for (const auto& member : body.get_object()) {
    call.out << printable(std::string_view(member.key())) << ":\n";
    std::string text = shown(body, std::string_view(member.key()));
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = std::min(text.find('\n', at), text.size());
      call.out << "  " << printable(std::string_view(text).substr(at, end - at)) << '\n';
      at = end + 1;
    }
  }
}

Outcome<std::monostate> show_before_deciding(Call& call, const json::value& approval) {
  Call shown_where{call.json ? call.err : call.out, call.err, call.terminal, {}, false};
  show_request(shown_where, approval);
  if (written(call.out)) return std::monostate{};
  return tl::unexpected<Failure>(
      Error(Code::file_failed, "the request could not be shown, and is not approved"));
}

namespace {

Outcome<ExitCode> list(Call& call, const IdOptions& options) {
  NAE_ANSWER(auto server, call.server());
  if (!options.id.empty()) {
    NAE_ANSWER(std::string id, checked_name(options.id));
    NAE_ANSWER(json::value approval, server->call("GET", "/v1/approvals/" + id));
    call.show(approval, [&] { show_request(call, approval); });
    return kOk;
  }
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/approvals"));
  call.show(answer, [&] {
    Table table(
        {"ID", "STATE", "REQUESTED BY", zoned("AT"), "EXPIRES", "OPERATION", "DECIDED BY", "CALL"});
    for (const json::value& a : items(answer, "approvals"))
      table.add({shown(a, "id"), shown(a, "state"), shown(a, "requested_by"),
                 local_time(shown(a, "requested_at")), local_time(shown(a, "expires_at")),
                 shown(a, "operation"), deciders(a),
                 shown(a, "method") + " " + shown(a, "target")});
    if (table.empty())
      call.out << "No requests.\n";
    else
      call.print(table, {"DECIDED BY", "AT"});
    if (shown(answer, "truncated") == "true") call.out << "(There are older ones.)\n";
  });
  return kOk;
}

struct ApproveOptions {
  std::string id, digest;
  bool yes = false;
};
Outcome<ExitCode> approve(Call& call, const ApproveOptions& options) {
  NAE_ANSWER(std::string id, checked_name(options.id));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value approval, server->call("GET", "/v1/approvals/" + id));
  std::string digest = options.digest.empty() ? shown(approval, "digest") : options.digest;
  // Nobody approves what he was not shown.
  if (!call.json || will_be_asked(call, options.yes))
    NAE_TRY_OUTCOME(show_before_deciding(call, approval));
  NAE_TRY_OUTCOME(confirmed(call, options.yes,
                            "Approving has it done at once, by the rights of who requested it."));
  NAE_ANSWER(json::value answer,
             server->call("POST", "/v1/approvals/" + id + "/approve", {{"digest", digest}}));
  bool done = shown(answer, "state") == "done";
  call.show(answer, [&] {
    const json::value& result = answer.at("answer");
    call.out << (done ? "Approved and done.\n"
                      : "Approved, but refused: " + printable(shown(result, "detail")) + " (" +
                            shown(result, "code") + ")\n");
  });
  return done ? kOk : kRefused;
}

Outcome<ExitCode> reject(Call& call, const IdOptions& options) {
  NAE_ANSWER(std::string id, checked_name(options.id));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("POST", "/v1/approvals/" + id + "/reject"));
  call.show(answer, [&] { call.out << "The request " << id << " is rejected.\n"; });
  return kOk;
}

}  // namespace

void add_approval(CLI::App& app, Action& chosen) {
  auto [list_leaf, l] = add_leaf<IdOptions>(
      app, "approvals", "List requests that wait for a second administrator", chosen, list);
  list_leaf->add_option("ID", l->id, "Show this one whole, as it would be done");
  list_leaf->fallthrough()->footer(
      "Any role may list; what a request says is shown to who may make such a call, and to "
      "auditors.\n\nExamples:\n  nae approvals\n  nae approvals 0123456789abcdef");

  auto [approve_leaf, a] = add_leaf<ApproveOptions>(
      app, "approve", "Show what another administrator requested, and have it done", chosen,
      approve);
  approve_leaf->add_option("ID", a->id, "The request")->required();
  approve_leaf->add_option("--digest", a->digest,
                           "Approve only what has this digest: what 'nae approvals ID' showed");
  add_yes(*approve_leaf, a->yes);
  approve_leaf->fallthrough()->footer(
      "Takes the role that the operation takes, and another name and key than the requester's.\n"
      "It is done once, with the rights of who requested it: when that one has lost the role\n"
      "meanwhile, it is refused.\n\nExample:\n  nae approve 0123456789abcdef");

  auto [reject_leaf, r] =
      add_leaf<IdOptions>(app, "reject", "Refuse a request, or withdraw yours", chosen, reject);
  reject_leaf->add_option("ID", r->id, "The request")->required();
  reject_leaf->fallthrough()->footer("Example:\n  nae reject 0123456789abcdef");
}

}  // namespace nae::cli
