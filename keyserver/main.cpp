#include <sys/prctl.h>
#include <sys/resource.h>

#include "keyserver/commands/command.hpp"
#include "libnae/base/environment.hpp"
#include "libnae/base/output.hpp"
#include "libnae/base/version.hpp"

namespace {

// Key material must not leave by a core dump or a debugger of the same user.
void forbid_dumps() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace

int main(int argc, char** argv) {
  nae::drop_leaking_variables();
  nae::drop_variables_of("PG");
  nae::open_standard_descriptors();
  forbid_dumps();
  CLI::App app{"The NAE key server: keeps keys behind an HSM and does cryptography over TLS."};
  app.set_version_flag("--version", nae::version_text("nae-keyserver"));
  app.require_subcommand(1);
  app.footer(
      "Example:\n  nae-keyserver init --directory /var/lib/nae\n"
      "  nae-keyserver run --config /var/lib/nae/nae-keyserver.toml");

  nae::commands::Commands commands;
  for (auto* add :
       {nae::commands::add_run, nae::commands::add_check_config, nae::commands::add_doctor,
        nae::commands::add_renew_certificate, nae::commands::add_accept_audit_loss,
        nae::commands::add_recover_admin, nae::commands::add_accept_keys,
        nae::commands::add_verify_store, nae::commands::add_accept_store_rollback,
        nae::commands::add_move_store, nae::commands::add_backup, nae::commands::add_restore,
        nae::commands::add_rotate_custodians, nae::commands::add_init})
    add(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? nae::commands::told() : nae::commands::kUsage;
  }
  for (const nae::commands::Command& command : commands)
    if (*command.on_the_command_line) return command.run();
  return nae::commands::kUsage;  // not reached: one is required
}
