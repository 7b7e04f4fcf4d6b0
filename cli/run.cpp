#include "cli/run.hpp"

#include <ostream>

#include "cli/batch.hpp"
#include "cli/command.hpp"
#include "cli/context.hpp"
#include "cli/context_command.hpp"
#include "cli/local_time.hpp"
#include "cli/mistyped.hpp"
#include "cli/policy_command.hpp"
#include "cli/table.hpp"
#include "libnae/base/output.hpp"
#include "libnae/base/text.hpp"
#include "libnae/base/version.hpp"

namespace nae::cli {
namespace {

constexpr char kDescription[] =
    "nae - administer a NAE key server: keys, policy, devices, administrators, audit log\n"
    "\n"
    "Every command but 'audit verify --directory' and 'custody' talks to the key server over "
    "mutual\n"
    "TLS 1.3 with an admin certificate. What that certificate may do are its roles on the server:\n"
    "key-admin, policy-admin, auditor, operator.\n"
    "\n"
    "Start with a profile that 'nae-keyserver init' wrote:\n"
    "  export NAE_CONFIG=/var/lib/nae/admin/cli.toml\n"
    "  nae status";

constexpr char kFooter[] =
    "Profile: --config FILE or --context NAME, else $NAE_CONFIG, else $NAE_CONTEXT, else the one\n"
    "that 'nae context use' named, else ~/.config/nae/cli.toml; a TOML file with\n"
    "  server = \"https://127.0.0.1:7443\"\n"
    "  certificate = \"admin.pem\"      # relative paths start at the file's directory\n"
    "  key = \"admin.key\"\n"
    "  authority = \"authority.pem\"\n"
    "$NAE_SERVER, $NAE_CERTIFICATE, $NAE_KEY and $NAE_AUTHORITY win over the profile, options "
    "over\n"
    "both. $NAE_JSON=1 is --json.\n"
    "\n"
    "Exit codes:\n"
    "  0  done, and the answer is yes\n"
    "  1  the server refused, or the answer is no (denied by policy, audit log not intact)\n"
    "  2  wrong arguments, profile or local file, or the output could not be written\n"
    "  3  the key server could not be reached, or it is not the right one\n"
    "  4  the key server failed (HSM, store, audit log), or a change was made that may not be in\n"
    "     force on every key server of the group yet: what was answered is given all the same\n"
    "  5  nothing was done yet: a second administrator must approve it, see 'nae approvals'\n"
    "\n"
    "Examples:\n"
    "  nae key create customer-pii --type aes-256-gcm\n"
    "  nae policy apply policy.toml --comment 'billing may decrypt'\n"
    "  nae policy test --role billing --database shop --program postgres --device db1 \\\n"
    "      --action decrypt --key customer-pii\n"
    "  nae device enroll db1 --out ./db1\n"
    "  nae audit query --verdict deny --limit 20\n"
    "  nae batch <commands.txt\n"
    "\n"
    "'nae COMMAND --help' shows a command's options and examples; man nae shows all.";

void add_global_options(CLI::App& app, Call& call, std::string& certificate, std::string& key,
                        std::string& authority, std::string& context) {
  app.add_option("--server", call.profile.values.server, "Key server, https://host:port")
      ->envname("NAE_SERVER")
      ->group("Connection");
  app.add_option("--certificate", certificate, "Admin certificate (PEM)")
      ->envname("NAE_CERTIFICATE")
      ->group("Connection");
  app.add_option("--key", key, "Private key of the certificate (PEM, mode 0600)")
      ->envname("NAE_KEY")
      ->group("Connection");
  app.add_option("--authority", authority, "Authority of the server's certificate (PEM)")
      ->envname("NAE_AUTHORITY")
      ->group("Connection");
  CLI::Option* config =
      app.add_option("--config", call.profile.config, "Profile file (TOML)")->group("Connection");
  app.add_option("--context", context, "Profile by its name: see 'nae context'")
      ->excludes(config)
      ->group("Connection");
  app.add_flag("--json", call.json, "Print the answer as JSON");
}

// With --json one object, so that a program reads why as it reads what.
void report(std::ostream& err, const Error& error, bool as_json) {
  if (as_json) {
    err << json::serialize(json::object{{"error",
                                         {{"code", row(error.code).sqlstate},
                                          {"name", name(error.code)},
                                          {"message", error.message},
                                          {"hint", error.hint_or_default()}}}})
        << '\n';
    return;
  }
  err << "nae: " << printable(error.message) << " (" << name(error.code) << ")\n";
  if (!error.hint_or_default().empty())
    err << "hint: " << printable(error.hint_or_default()) << '\n';
}

void show_waiting(const Call& call, const Failure& failure) {
  using admin::api::shown;
  call.show(json::object{{"approval", failure.waiting}}, [&] {
    const std::string cards = shown(failure.waiting, "cards");
    call.out << "waiting for approval: nae " << (cards.empty() ? "" : "custody ") << "approve "
             << shown(failure.waiting, "id") << '\n'
             << "  " << shown(failure.waiting, "operation") << " takes "
             << (cards.empty() ? "a second administrator with the role"
                               : "the cards of " + cards + " custodians")
             << ", before " << local_time_with_zone(shown(failure.waiting, "expires_at")) << ".\n";
    const json::value* difference = failure.waiting.as_object().if_contains("difference");
    if (difference && difference->is_object()) print_difference(call.out, *difference);
    if (!failure.then.empty()) call.out << "  " << failure.then << '\n';
  });
}

}  // namespace

Outcome<std::unique_ptr<Server>> Call::server() const {
  if (shared) {
    shared->behind = behind;
    return borrowed(*shared);
  }
  NAE_ASSIGN(Profile resolved, resolve_profile(profile));
  auto server = Server::open(resolved);
  if (server) (*server)->behind = behind;
  return server;
}

void Call::print(const Table& table, const std::vector<std::string>& dispensable) const {
  const bool whole = table.print(out, terminal.columns, dispensable);
  if (!whole) out << "(Not all columns fit; --json has them all.)\n";
}

void Call::show(const json::value& answer, const std::function<void()>& table) const {
  if (json)
    out << json::serialize(answer) << '\n';
  else
    table();
}

Outcome<std::string> checked_name(const std::string& name) {
  if (is_name(name)) return name;
  return tl::unexpected<Failure>(
      Error(Code::invalid_argument, "\"" + name + "\" is not a name",
            "Names are 1 to 128 letters, digits, '.', '_' and '-', starting with a letter or "
            "digit."));
}

namespace {

// Of a line of a batch: what the batch has and all its lines use.
struct Within {
  Server& server;
  bool json;
};

// What the arguments ask for, but for the last look at the output.
int run_command(std::vector<std::string> arguments, std::istream& in, std::ostream& out,
                std::ostream& err, const Terminal& terminal, const Within* within = nullptr) {
  CLI::App app(kDescription, "nae");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text("nae"));
  // Global options may stand anywhere: 'nae key list --json'.
  app.fallthrough();

  Call call{out, err, terminal, {}, false, &in, within ? &within->server : nullptr};
  call.run_line = [&in](std::vector<std::string> words, std::ostream& line_out,
                        std::ostream& line_err, Server& server, bool json) {
    const Within line{server, json};
    return run_command(std::move(words), in, line_out, line_err, Terminal{}, &line);
  };
  std::string certificate, key, authority, context;
  if (within)
    app.add_flag("--json", call.json, "Print the answer as JSON");
  else
    add_global_options(app, call, certificate, key, authority, context);
  Action chosen;
  add_key(app, chosen);
  add_policy(app, chosen);
  add_device(app, chosen);
  add_admin(app, chosen);
  add_approval(app, chosen);
  add_audit(app, chosen);
  add_status(app, chosen);
  add_clock(app, chosen);
  add_node(app, chosen);
  add_pkcs11(app, chosen);
  add_custody(app, chosen);
  add_backup(app, chosen);
  add_context(app, chosen);
  add_doctor(app, chosen);
  add_batch(app, chosen);

  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants it
    app.parse(reversed);
  } catch (const CLI::ParseError& stopped) {  // --help and --version too
    if (stopped.get_exit_code() == 0) return app.exit(stopped, out, err) == 0 ? kOk : kUsage;
    report(err, usage_error(app, arguments, stopped),
           asks_for_json(arguments) || (within && within->json));
    return kUsage;
  }
  call.json = call.json || (within ? within->json : environment_asks_for_json());
  if (!context.empty()) {
    auto file = Contexts(configuration_directory()).profile_of(context);
    if (!file) {
      report(err, file.error(), call.json);
      return exit_code(file.error(), false);
    }
    call.profile.config = file->string();
  }
  call.profile.values.certificate = certificate;
  call.profile.values.key = key;
  call.profile.values.authority = authority;

  Outcome<ExitCode> outcome = chosen(call);
  if (outcome) {
    if (!*call.behind) return *outcome;
    report(err, **call.behind, call.json);
    return *outcome == kOk ? exit_code(**call.behind, true) : *outcome;
  }
  if (outcome.error().waits()) {
    show_waiting(call, outcome.error());
    return kWaiting;
  }
  Error error = outcome.error().error;
  if (*call.behind) error.message += "; besides, " + (*call.behind)->message;
  report(err, error, call.json);
  return exit_code(error, outcome.error().from_server);
}

}  // namespace

int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err,
        const Terminal& terminal, std::istream& in) {
  const bool as_json = asks_for_json(arguments);
  const int code = run_command(std::move(arguments), in, out, err, terminal);
  bool reader_left = false;
  auto done = written(out, &reader_left);
  if (done) return code;
  const bool ended_well = code == kOk || code == kWaiting;
  if (ended_well) done.error().hint = "Only the output is missing: what the command does is done.";
  // Whoever reads the first line of a list knows what he does.
  if (!reader_left) report(err, done.error(), as_json);
  return ended_well ? kUsage : code;
}

}  // namespace nae::cli
