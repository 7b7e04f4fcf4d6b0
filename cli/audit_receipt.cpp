// nae audit receipt | verify-receipt
#include <ostream>

#include "cli/audit_commands.hpp"
#include "cli/input.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/time.hpp"
#include "keyserver/audit/receipt.hpp"

namespace nae::cli {
namespace {

struct ReceiptOptions {
  std::uint64_t seq = 0;
  std::string directory;
};

// Always JSON: a receipt is a file that somebody keeps.
Outcome<ExitCode> receipt(Call& call, const ReceiptOptions& options) {
  if (!options.directory.empty()) {
    NAE_ASSIGN(audit::Receipt made, audit::make_receipt(options.directory, options.seq));
    call.out << audit::to_json(made);
    return kOk;
  }
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer,
             server->call("GET", "/v1/audit/receipts/" + std::to_string(options.seq)));
  call.out << json::serialize(answer) << '\n';
  return kOk;
}

struct VerifyReceiptOptions {
  std::string file, public_key;
};

Outcome<ExitCode> verify_receipt(Call& call, const VerifyReceiptOptions& options) {
  NAE_ASSIGN(std::string text, content_of(options.file, audit::kMaxReceiptBytes));
  NAE_ASSIGN(std::string public_key, content_of(options.public_key, kMaxPublicKeyBytes));
  NAE_ASSIGN(audit::Receipt read, audit::parse_receipt(text));
  NAE_TRY(audit::verify_receipt(read, public_key));
  NAE_ASSIGN(json::object record, admin::api::parse_object(read.line));
  call.show(record, [&] {
    call.out << "The receipt is good: the audit key signed this record at "
             << admin::api::format_time(read.head.time_us) << ".\n";
    for (const auto& member : record)
      call.out << "  " << std::string(member.key()) << "  "
               << printable(admin::api::shown(json::value(record), member.key())) << '\n';
  });
  return kOk;
}

}  // namespace

void add_audit_receipt(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<ReceiptOptions>(
      audit, "receipt", "Print one record with what proves it, as JSON", chosen, receipt);
  leaf->add_option("SEQ", options->seq, "Sequence number of the record")
      ->required()
      ->check(CLI::PositiveNumber);
  leaf->add_option("--directory", options->directory, "From this copy of a log, offline");
  leaf->fallthrough()->footer(
      "A receipt has about 2 KiB, shows no other record, and verifies without the log.\n\n"
      "Examples:\n  nae audit receipt 4711 >receipt.json");

  auto [verify_leaf, verify_options] = add_leaf<VerifyReceiptOptions>(
      audit, "verify-receipt", "Check a receipt, offline", chosen, verify_receipt);
  verify_leaf->add_option("FILE", verify_options->file, "The receipt")->required();
  verify_leaf->add_option("--public-key", verify_options->public_key, "Public key of the log (PEM)")
      ->required();
  verify_leaf->fallthrough()->footer(
      "Exit code 0: good, 1: not.\n\n"
      "Examples:\n  nae audit verify-receipt receipt.json --public-key audit-public.pem");
}

}  // namespace nae::cli
