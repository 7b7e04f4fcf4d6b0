// nae audit verify
#include <algorithm>
#include <optional>
#include <ostream>
#include <set>

#include "cli/audit_commands.hpp"
#include "cli/audit_logs.hpp"
#include "cli/audit_witnesses.hpp"
#include "cli/awaited_proof.hpp"
#include "cli/input.hpp"
#include "cli/moment.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/verify_report.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct VerifyOptions {
  LogsOptions logs;
  std::vector<std::string> public_keys;  // "FILE", or of several logs "NAME=FILE"
  std::string segment, from, to;
};

// A sequence number, or a moment.
Result<std::string> edge_of(const std::string& text) {
  if (text.find_first_not_of("0123456789") == std::string::npos) return text;
  return utc_of(text);
}

constexpr std::uint64_t kMegabyte = 1'000'000;

// "": signatures are not checked.
std::string key_file_of(const VerifyOptions& options, const std::string& node) {
  std::string file;
  for (const std::string& text : options.public_keys) {
    const auto named = named_text(text);
    if (named && named->name == node) return named->text;
    if (!named) file = text;
  }
  return file;
}

// A key that is used for nothing would have its giver believe in signatures that nobody checked.
Outcome<void> check_keys(const VerifyOptions& options) {
  std::set<std::string> names;  // "": the plain file
  for (const std::string& text : options.public_keys) {
    const auto named = named_text(text);
    const std::string name = named ? named->name : std::string();
    const bool has_copy =
        !named || std::ranges::any_of(options.logs.directories, [&](const std::string& directory) {
          const auto copy = named_text(directory);
          return copy && copy->name == name;
        });
    if (!has_copy)
      return tl::unexpected<Failure>(
          Error(Code::invalid_argument, "--public-key " + text + " is for no --directory",
                "Give the copy of that log: --directory " + name + "=DIR"));
    if (!names.insert(name).second)
      return tl::unexpected<Failure>(
          Error(Code::invalid_argument, named ? "node " + name + " has two public keys"
                                              : "two public keys have no name of a node"));
  }
  return {};
}

Outcome<json::value> offline(Call& call, const VerifyOptions& options, const std::string& directory,
                             const std::string& node = {}) {
  std::string public_key;
  if (const std::string file = key_file_of(options, node); !file.empty()) {
    NAE_ASSIGN(public_key, content_of(file, kMaxPublicKeyBytes));
  }
  if (!options.segment.empty()) {
    NAE_ASSIGN(audit::VerifyReport report, audit::verify_segment(options.segment, public_key));
    return admin::api::to_json(report);
  }
  NAE_ASSIGN(audit::VerifyScope scope, admin::api::parse_scope(options.from, options.to));
  std::optional<Progress> progress;
  auto tell = [&](std::uint64_t done, std::uint64_t total) {
    if (!progress) progress.emplace(call.err, "MB", total / kMegabyte, Progress::is_seen());
    progress->at(done / kMegabyte);
    return true;
  };
  NAE_ASSIGN(audit::VerifyReport report, audit::verify(directory, public_key, scope, tell));
  return admin::api::to_json(report);
}

// 0: none, or of a part that does not begin with the first record.
std::uint64_t signed_seq(const json::value& report) {
  const json::object* members = report.if_object();
  auto number = [&](const char* name) -> std::uint64_t {
    const json::value* value = members ? members->if_contains(name) : nullptr;
    boost::system::error_code wrong;
    const auto read = value ? value->to_number<std::uint64_t>(wrong) : 0;
    return wrong ? 0 : read;
  };
  const bool proved =
      shown(report, "intact") == "true" && shown(report, "signature_checked") == "true";
  const std::uint64_t last = number("last_seq"), unsigned_records = number("unsigned_records");
  return proved && number("first_seq") == 1 && last > unsigned_records ? last - unsigned_records
                                                                       : 0;
}

void print_report(Call& call, const json::value& answer, bool intact) {
  call.out << (intact ? "The audit log is intact." : "THE AUDIT LOG IS NOT INTACT.")
           << " Records: " << shown(answer, "records") << ", from " << shown(answer, "first_seq")
           << " to " << shown(answer, "last_seq") << ", segments: " << shown(answer, "segments")
           << ".\n";
  if (const std::string archived = shown(answer, "archived_seq");
      !archived.empty() && archived != "0")
    call.out << "Records up to " << archived
             << " were removed on purpose (nae audit prune), as a signed mark says.\n";
  for (const json::value& finding : items(answer, "findings"))
    call.out << "  " << shown(finding, "fault") << " in " << printable(shown(finding, "file"))
             << " line " << shown(finding, "line") << ": "
             << printable(shown(finding, "explanation")) << '\n';
  if (shown(answer, "signature_checked") == "true")
    call.out << "The signature of the newest head is good; " << shown(answer, "unsigned_records")
             << " newer records are not signed yet.\n";
  else
    call.out << "No signature was checked: a log rewritten from its first line would not show.\n";
}

void print_witnesses(Call& call, const json::value& witnesses) {
  call.out << "Heads that logs and store have of each other: " << shown(witnesses, "compared")
           << " compared";
  for (const auto& [member, text] :
       {std::pair{"archived", " of records removed on purpose"},
        std::pair{"of_lost_logs", " of logs that were given up as lost"},
        std::pair{"not_compared", " of logs that were not read"}})
    if (const std::string number = shown(witnesses, member); number != "0")
      call.out << ", " << number << text;
  call.out << ".\n";
  for (const json::value& loss : items(witnesses, "losses"))
    call.out << "  THE LOG OF " << printable(shown(loss, "node")) << " WAS BEGUN ANEW at "
             << printable(shown(loss, "time")) << ", as an administrator wanted"
             << (shown(loss, "signature_checked") == "true" ? "" : " (no signature was checked)")
             << ": " << printable(shown(loss, "detail")) << '\n';
  for (const json::value& finding : items(witnesses, "findings"))
    call.out << "  " << shown(finding, "fault") << " in the log of "
             << printable(shown(finding, "node")) << ", record " << shown(finding, "seq") << ", as "
             << printable(shown(finding, "by"))
             << (shown(finding, "by_seq") == "0" ? ""
                                                 : " has it in record " + shown(finding, "by_seq"))
             << ": " << printable(shown(finding, "explanation")) << '\n';
}

Outcome<ExitCode> verify_several(Call& call, const VerifyOptions& options) {
  NAE_ANSWER(auto logs, open_logs(call, options.logs));
  std::vector<std::pair<std::string, json::value>> reports;
  ask_each(
      call, logs,
      [&](NodeLog& log) {
        return log.directory.empty() ? awaited_proof(*log.server, options.from, options.to,
                                                     call.err, Progress::is_seen())
                                     : offline(call, options, log.directory, log.node);
      },
      [&](NodeLog& log, json::value& report) {
        // A server has the public key in its HSM.
        if (log.directory.empty() || !key_file_of(options, log.node).empty())
          log.signed_seq = signed_seq(report);
        reports.emplace_back(log.node, std::move(report));
      });
  const json::value witnesses = compare_witnesses(call, logs);
  json::array nodes = describe_logs(logs);
  bool whole = shown(witnesses, "findings_total") == "0";
  for (json::value& node : nodes)
    for (const auto& [name, report] : reports)
      if (shown(node, "node") == name) {
        node.as_object()["report"] = report;
        whole = whole && shown(report, "intact") == "true";
      }
  const ExitCode unread = reading_exit_code(logs);
  call.show(
      json::object{{"intact", whole && unread == kOk}, {"nodes", nodes}, {"witnesses", witnesses}},
      [&] {
        for (const json::value& node : nodes) {
          call.out << printable(shown(node, "node")) << ", " << printable(shown(node, "source"))
                   << ": ";
          if (const json::value* report = node.as_object().if_contains("report"))
            print_report(call, *report, shown(*report, "intact") == "true");
          else
            call.out << "NOT READ: " << printable(shown(node, "problem")) << '\n';
        }
        print_witnesses(call, witnesses);
      });
  return whole ? unread : kRefused;
}

Outcome<ExitCode> verify(Call& call, const VerifyOptions& options) {
  const bool one = options.logs.is_one();
  const bool local = !options.logs.directories.empty() || !options.segment.empty();
  if (one && (options.public_keys.size() > 1 ||
              std::ranges::any_of(options.public_keys, [](const std::string& text) {
                return named_text(text).has_value();
              })))
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "one log has one public key, and no name of a node"));
  if (!local && !options.public_keys.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "--public-key goes with --directory or --segment",
              "Without them the server checks its own log with the public key in its HSM."));
  VerifyOptions wanted = options;
  NAE_ASSIGN(wanted.from, edge_of(options.from));
  NAE_ASSIGN(wanted.to, edge_of(options.to));
  if (!one) {
    NAE_TRY_OUTCOME(check_keys(options));
    for (const std::string& edge : {wanted.from, wanted.to})
      if (!edge.empty() && edge.find('T') == std::string::npos)
        return tl::unexpected<Failure>(
            Error(Code::invalid_argument,
                  "logs of several nodes have sequence numbers of their own: give times"));
    return verify_several(call, wanted);
  }
  std::unique_ptr<Server> server;
  if (!local) {
    NAE_ANSWER(server, call.server());
  }
  NAE_ANSWER(json::value answer,
             local ? offline(call, wanted, wanted.logs.directory())
                   : awaited_proof(*server, wanted.from, wanted.to, call.err, Progress::is_seen()));
  const bool intact = shown(answer, "intact") == "true";
  call.show(answer, [&] { print_report(call, answer, intact); });
  return intact ? kOk : kRefused;
}

}  // namespace

void add_audit_verify(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<VerifyOptions>(
      audit, "verify", "Check every record's hash, the order and the signed heads", chosen, verify);
  add_logs(*leaf, options->logs);
  CLI::Option* segment =
      leaf->add_option("--segment", options->segment,
                       "Check this closed segment alone, with the head beside it, offline");
  for (const char* other : {"--directory", "--group", "--node"})
    segment->excludes(leaf->get_option(other));
  leaf->add_option("--public-key", options->public_keys,
                   "Public key of the log (PEM), kept apart from the log; of several: NAME=FILE")
      ->allow_extra_args(false);
  leaf->add_option("--from", options->from, "From this sequence number or time on")
      ->excludes(segment);
  leaf->add_option("--to", options->to, "Up to this sequence number, or before this time")
      ->excludes(segment);
  leaf->fallthrough()->footer(
      "Exit code 0: intact, 1: not intact; of several logs also 3 when one could not be read. "
      "Without --directory the server checks its own log with\n"
      "the public key in its HSM. To trust nobody, copy the directory, keep the public key that\n"
      "'nae-keyserver init' wrote to audit/audit-public.pem, and check offline. A range is proved "
      "by\n"
      "the segments that hold it. Of several logs, what each has of the others is compared as "
      "well.\n\n"
      "Examples:\n"
      "  nae audit verify\n"
      "  nae audit verify --group --directory ks3=/mnt/copy/ks3\n"
      "  nae audit verify --from 2025-01-01 --to 2025-02-01\n"
      "  nae audit verify --directory /mnt/copy/audit --public-key audit-public.pem\n"
      "  nae audit verify --segment audit-000000120001.jsonl --public-key audit-public.pem");
}

}  // namespace nae::cli
