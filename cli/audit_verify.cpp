// nae audit verify
#include <optional>
#include <ostream>

#include "cli/audit_commands.hpp"
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
  std::string directory, segment, public_key, from, to;
};

// A sequence number, or a moment.
Result<std::string> edge_of(const std::string& text) {
  if (text.find_first_not_of("0123456789") == std::string::npos) return text;
  return utc_of(text);
}

constexpr std::uint64_t kMegabyte = 1'000'000;

Outcome<json::value> offline(Call& call, const VerifyOptions& options) {
  std::string public_key;
  if (!options.public_key.empty()) {
    NAE_ASSIGN(public_key, content_of(options.public_key, kMaxPublicKeyBytes));
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
  NAE_ASSIGN(audit::VerifyReport report, audit::verify(options.directory, public_key, scope, tell));
  return admin::api::to_json(report);
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

Outcome<ExitCode> verify(Call& call, const VerifyOptions& options) {
  const bool local = !options.directory.empty() || !options.segment.empty();
  if (!local && !options.public_key.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "--public-key goes with --directory or --segment",
              "Without them the server checks its own log with the public key in its HSM."));
  VerifyOptions wanted = options;
  NAE_ASSIGN(wanted.from, edge_of(options.from));
  NAE_ASSIGN(wanted.to, edge_of(options.to));
  std::unique_ptr<Server> server;
  if (!local) {
    NAE_ANSWER(server, call.server());
  }
  NAE_ANSWER(json::value answer,
             local ? offline(call, wanted)
                   : awaited_proof(*server, wanted.from, wanted.to, call.err, Progress::is_seen()));
  const bool intact = shown(answer, "intact") == "true";
  call.show(answer, [&] { print_report(call, answer, intact); });
  return intact ? kOk : kRefused;
}

}  // namespace

void add_audit_verify(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<VerifyOptions>(
      audit, "verify", "Check every record's hash, the order and the signed heads", chosen, verify);
  CLI::Option* directory =
      leaf->add_option("--directory", options->directory, "Check this copy of a log, offline");
  CLI::Option* segment =
      leaf->add_option("--segment", options->segment,
                       "Check this closed segment alone, with the head beside it, offline");
  segment->excludes(directory);
  leaf->add_option("--public-key", options->public_key,
                   "Public key of the log (PEM), kept apart from the log");
  leaf->add_option("--from", options->from, "From this sequence number or time on")
      ->excludes(segment);
  leaf->add_option("--to", options->to, "Up to this sequence number, or before this time")
      ->excludes(segment);
  leaf->fallthrough()->footer(
      "Exit code 0: intact, 1: not intact. Without --directory the server checks its own log with\n"
      "the public key in its HSM. To trust nobody, copy the directory, keep the public key that\n"
      "'nae-keyserver init' wrote to audit/audit-public.pem, and check offline. A range is proved "
      "by\n"
      "the segments that hold it.\n\n"
      "Examples:\n"
      "  nae audit verify\n"
      "  nae audit verify --from 2025-01-01 --to 2025-02-01\n"
      "  nae audit verify --directory /mnt/copy/audit --public-key audit-public.pem\n"
      "  nae audit verify --segment audit-000000120001.jsonl --public-key audit-public.pem");
}

}  // namespace nae::cli
