// nae audit
#include "cli/audit_commands.hpp"

namespace nae::cli {

void add_audit(CLI::App& app, Action& chosen) {
  CLI::App* audit = app.add_subcommand("audit", "Search the audit log and prove that it is whole");
  audit->require_subcommand(1)->fallthrough();
  audit->footer(
      "Takes the role auditor; with --directory a copy of the log is read and no server is "
      "asked.\n\n"
      "Examples:\n"
      "  nae audit query --verdict deny --from 2025-01-31T00:00:00Z\n"
      "  nae audit report\n"
      "  nae audit verify");
  add_audit_query(*audit, chosen);
  add_audit_report(*audit, chosen);
  add_audit_export(*audit, chosen);
  add_audit_verify(*audit, chosen);
  add_audit_receipt(*audit, chosen);
  add_audit_prune(*audit, chosen);
  add_audit_sink(*audit, chosen);
}

}  // namespace nae::cli
