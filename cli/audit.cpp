// nae audit query | verify
#include <ostream>

#include "cli/command.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/verify_report.hpp"
#include "libnae/base/file.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr std::size_t kMaxPublicKeyBytes = 64u << 10;

struct QueryOptions {
  std::string event, role, key, action, verdict, device, database, user, from, to;
  unsigned limit = 100;
};

std::vector<std::string> row_of(const json::value& record) {
  std::string who = shown(record, "admin"), what = shown(record, "key");
  if (who.empty()) who = shown(record, "role");
  if (std::string user = shown(record, "user"); !user.empty()) who += " for " + user;
  if (what.empty()) what = shown(record, "target");
  std::string where = shown(record, "device");
  if (std::string database = shown(record, "database"); !database.empty()) where += "/" + database;
  std::string why = shown(record, "reason");
  if (std::string rule = shown(record, "rule"); !rule.empty()) why += " (" + rule + ")";
  if (why.empty()) why = shown(record, "detail");
  std::string action = shown(record, "action");
  return {shown(record, "seq"),
          shown(record, "time"),
          shown(record, "event"),
          who,
          where,
          action,
          what,
          shown(record, "items"),
          shown(record, "verdict"),
          why};
}

Outcome<ExitCode> query(Call& call, const QueryOptions& options) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer,
             server->call(
                 "GET", with_parameters("/v1/audit", {{"event", options.event},
                                                      {"role", options.role},
                                                      {"key", options.key},
                                                      {"action", options.action},
                                                      {"verdict", options.verdict},
                                                      {"device", options.device},
                                                      {"database", options.database},
                                                      {"user", options.user},
                                                      {"from", options.from},
                                                      {"to", options.to},
                                                      {"limit", std::to_string(options.limit)}})));
  call.show(answer, [&] {
    Table table({"SEQ", "TIME", "EVENT", "WHO", "WHERE", "ACTION", "KEY/TARGET", "ITEMS", "VERDICT",
                 "REASON"});
    for (const json::value& record : items(answer, "records")) table.add(row_of(record));
    if (table.empty())
      call.out << "No record matches.\n";
    else
      table.print(call.out);
  });
  return kOk;
}

struct VerifyOptions {
  std::string directory, public_key;
};

Outcome<ExitCode> verify(Call& call, const VerifyOptions& options) {
  json::value answer;
  if (options.directory.empty()) {
    NAE_ANSWER(auto server, call.server());
    NAE_ANSWER(answer, server->call("GET", "/v1/audit/verify"));
  } else {
    std::string public_key;
    if (!options.public_key.empty()) {
      NAE_ASSIGN(public_key, read_file(options.public_key, kMaxPublicKeyBytes));
    }
    NAE_ASSIGN(audit::VerifyReport report, audit::verify(options.directory, public_key));
    answer = admin::api::to_json(report);
  }
  bool intact = shown(answer, "intact") == "true";
  bool signature = shown(answer, "signature_checked") == "true";
  call.show(answer, [&] {
    call.out << (intact ? "The audit log is intact." : "THE AUDIT LOG IS NOT INTACT.")
             << " Records: " << shown(answer, "records")
             << ", newest: " << shown(answer, "last_seq")
             << ", segments: " << shown(answer, "segments") << ".\n";
    for (const json::value& finding : items(answer, "findings"))
      call.out << "  " << shown(finding, "fault") << " in " << printable(shown(finding, "file"))
               << " line " << shown(finding, "line") << ": "
               << printable(shown(finding, "explanation")) << '\n';
    if (signature)
      call.out << "The signature of the newest head is good; " << shown(answer, "unsigned_records")
               << " newer records are not signed yet.\n";
    else
      call.out << "No signature was checked: a log rewritten from its first line would not show.\n";
  });
  return intact ? kOk : kRefused;
}

}  // namespace

void add_audit(CLI::App& app, Action& chosen) {
  CLI::App* audit = app.add_subcommand("audit", "Search the audit log and prove that it is whole");
  audit->require_subcommand(1)->fallthrough();
  audit->footer(
      "Takes the role auditor, but 'verify --directory' needs no server at all.\n\n"
      "Examples:\n"
      "  nae audit query --verdict deny --from 2025-01-31T00:00:00Z\n"
      "  nae audit verify");

  auto [query_leaf, q] =
      add_leaf<QueryOptions>(*audit, "query", "Print the newest matching records", chosen, query);
  query_leaf->add_option("--event", q->event, "request, admin, started, stopped, ...");
  query_leaf->add_option("--role", q->role, "Effective database role");
  query_leaf->add_option("--key", q->key, "Name of the key");
  query_leaf->add_option("--action", q->action, "encrypt, decrypt, key-create, ...");
  query_leaf->add_option("--verdict", q->verdict, "value or deny");
  query_leaf->add_option("--device", q->device, "Device");
  query_leaf->add_option("--database", q->database, "Database");
  query_leaf->add_option("--user", q->user, "End user: the subject of the token");
  query_leaf->add_option("--from", q->from, "Not before, like 2025-01-31T00:00:00Z");
  query_leaf->add_option("--to", q->to, "Before, like 2025-02-01T00:00:00Z");
  query_leaf->add_option("--limit", q->limit, "At most so many, the newest")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  query_leaf->fallthrough()->footer(
      "Texts may hold '*' and '?'. Oldest first.\n\n"
      "Examples:\n"
      "  nae audit query --role billing --action decrypt --limit 20\n"
      "  nae audit query --event admin --json");

  auto [verify_leaf, v] = add_leaf<VerifyOptions>(
      *audit, "verify", "Check every record's hash, the order and the signed head", chosen, verify);
  CLI::Option* directory =
      verify_leaf->add_option("--directory", v->directory, "Check this copy of a log, offline");
  verify_leaf
      ->add_option("--public-key", v->public_key,
                   "Public key of the log (PEM), kept apart from the log")
      ->needs(directory);
  verify_leaf->fallthrough()->footer(
      "Exit code 0: intact, 1: not intact. Without --directory the server checks its own log with\n"
      "the public key in its HSM. To trust nobody, copy the directory, keep the public key that\n"
      "'nae-keyserver init' wrote to audit/audit-public.pem, and check offline.\n\n"
      "Examples:\n"
      "  nae audit verify\n"
      "  nae audit verify --directory /mnt/copy/audit --public-key audit-public.pem");
}

}  // namespace nae::cli
