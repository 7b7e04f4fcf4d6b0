#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "keyserver/config/config.hpp"
#include "keyserver/server/accept_keys.hpp"
#include "keyserver/server/backup.hpp"
#include "keyserver/server/doctor.hpp"
#include "keyserver/server/move_store.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/owner.hpp"
#include "keyserver/server/recover_admin.hpp"
#include "keyserver/server/renew_certificate.hpp"
#include "keyserver/server/restore.hpp"
#include "keyserver/server/rotate_custodians.hpp"
#include "keyserver/server/server.hpp"
#include "keyserver/server/starter.hpp"
#include "keyserver/server/store_commands.hpp"
#include "keyserver/setup/accept_audit_loss.hpp"
#include "keyserver/setup/initialise.hpp"
#include "keyserver/setup/unfinished.hpp"
#include "libnae/base/descriptor_limit.hpp"
#include "libnae/base/environment.hpp"
#include "libnae/base/output.hpp"
#include "libnae/base/text.hpp"
#include "libnae/base/version.hpp"
#include "libnae/crypto/secret.hpp"
#include "net/log.hpp"

namespace {

// Exit codes, as `man nae-keyserver` lists them.
constexpr int kFailed = 1;
constexpr int kUsage = 2;
// EX_CONFIG of sysexits.h: another start does not help before a person has looked.
constexpr int kNeedsAPerson = 78;
constexpr std::size_t kInitHeapBytes = 256u << 10;

int report(const nae::Error& error) {
  (void)std::fprintf(stderr, "nae-keyserver: %s (%s)\n", error.message.c_str(),
                     std::string(name(error.code)).c_str());
  if (auto hint = error.hint_or_default(); !hint.empty())
    (void)std::fprintf(stderr, "hint: %s\n", std::string(hint).c_str());
  return kFailed;
}

// The exit code of a command that has done its work.
int told() {
  auto written = nae::written(std::cout);
  if (written) return 0;
  written.error().hint = "Only the output is missing: what the command does is done.";
  return report(written.error());
}

// After which failures of a start the unit should not start the server again. Those that may pass
// by themselves do not get here: the server waits inside.
int start_exit_code(nae::Code code) {
  switch (code) {
    case nae::Code::config_invalid:
    case nae::Code::not_initialised:
    case nae::Code::policy_invalid:
    case nae::Code::store_corrupt:
    case nae::Code::store_rolled_back:
    case nae::Code::store_version:
    case nae::Code::audit_broken:
    case nae::Code::unsupported:  // the HSM lacks a mechanism
      return kNeedsAPerson;
    default:
      return kFailed;
  }
}

int report_start(const nae::Error& error) {
  report(error);
  return start_exit_code(error.code);
}

// Key material must not leave by a core dump or a debugger of the same user.
void forbid_dumps() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

void warn_of_few_descriptors(const nae::config::Config& config, std::uint64_t limit) {
  if (limit >= descriptors_wanted(config)) return;
  spdlog::warn("event=descriptors-few limit={} connections={} message=\"raise LimitNOFILE=\"",
               limit, std::uint64_t{config.server.max_connections} + config.admin.max_connections);
}

// Everything that works on a server's files is of the user whose they are.
nae::Result<nae::config::Config> loaded(const std::string& file) {
  NAE_ASSIGN(nae::config::Config config, nae::config::load(file));
  NAE_TRY(nae::server::check_owner(config));
  return config;
}

int run(const std::string& file) {
  auto config = loaded(file);
  if (!config) return report_start(config.error());
  nae::net::start_log("nae-keyserver", config->log.level, config->log.format);
  warn_of_few_descriptors(*config, nae::raise_descriptor_limit());
  const auto directory = std::filesystem::absolute(file).parent_path();
  if (const auto forgotten = nae::setup::forget_finished(directory); !forgotten)
    spdlog::warn("event=init-note-stays message=\"remove init.unfinished by hand\"");
  auto heap = nae::crypto::SecureHeap::take(std::size_t{config->limits.secure_memory_kib} << 10);
  if (!heap) return report(heap.error());
  const auto served = nae::server::serve(*config);
  // A hanging module may still have a thread: no destructors.
  if (!served) std::_Exit(report_start(served.error()));
  if (!*served) std::_Exit(kFailed);
  return 0;
}

int check(const std::string& file) {
  auto config = loaded(file);
  if (!config) {
    // The code's own hint names this command.
    if (config.error().hint.empty()) config.error().hint = "Correct it, and check it again.";
    return report(config.error());
  }
  auto heap = nae::crypto::SecureHeap::take(std::size_t{config->limits.secure_memory_kib} << 10);
  if (!heap) return report(heap.error());
  if (auto checked = nae::server::check(*config); !checked) return report(checked.error());
  std::cout << file << ": good\n";
  return told();
}

int examine(const std::string& file, bool json) {
  const nae::doctor::Report report = nae::server::examine(file);
  json ? report.print_json(std::cout) : report.print(std::cout);
  const int code = told();
  return code != 0 ? code : report.exit_code();
}

std::string day_of(std::int64_t at_s) {
  std::time_t until = at_s;
  std::tm parts{};
  ::gmtime_r(&until, &parts);
  char day[16];
  return std::string(day, std::strftime(day, sizeof day, "%Y-%m-%d", &parts));
}

// What `work` makes of a configuration, with locked memory for what is secret meanwhile.
template <class Work>
auto with_secrets(const std::string& file, Work work)
    -> std::invoke_result_t<Work&, const nae::config::Config&> {
  NAE_ASSIGN(const nae::config::Config config, loaded(file));
  NAE_ASSIGN(const auto heap, nae::crypto::SecureHeap::take(kInitHeapBytes));
  return work(config);
}

int renew_certificate(const std::string& file) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto renewed = with_secrets(file, nae::server::renew_certificate);
  if (!renewed) return report(renewed.error());
  std::cout << config->tls.certificate.string() << " is renewed until "
            << day_of(renewed->not_after_s) << ", serial " << renewed->serial << "\n"
            << "next: systemctl reload nae-keyserver (SIGHUP), or start it\n";
  return told();
}

int init(const nae::setup::Choices& choices) {
  if (auto checked = nae::server::check_owner(choices.directory); !checked)
    return report(checked.error());
  auto heap = nae::crypto::SecureHeap::take(kInitHeapBytes);
  if (!heap) return report(heap.error());
  auto made = nae::setup::initialise(choices);
  if (!made) return report(made.error());
  std::cout << nae::setup::report_of(choices, *made);
  return told();
}

int accept_audit_loss(const std::string& file, const std::string& reason) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto store = nae::server::open_store(*config);
  if (!store) return report(store.error());
  auto accepted = nae::setup::accept_audit_loss(**store, config->audit.directory, reason);
  if (!accepted) return report(accepted.error());
  std::cout << "a new audit log begins in " << config->audit.directory.string()
            << "\n  its record: " << accepted->detail << "\n";
  if (!accepted->moved_to.empty())
    std::cout << "  what was left of the old one: " << accepted->moved_to.string() << "\n";
  return told();
}

int recover_admin(const std::string& file, const nae::server::Recovery& wanted) {
  auto recovered = with_secrets(
      file, [&](const auto& config) { return nae::server::recover_admin(config, wanted); });
  if (!recovered) return report(recovered.error());
  std::cout << wanted.name << " is an administrator until " << day_of(recovered->not_after_s)
            << ", serial " << recovered->serial << "\n"
            << "  certificate  " << recovered->certificate.string() << "\n"
            << "  authority    " << recovered->authority.string() << "\n"
            << "  its record   " << recovered->detail << "\n"
            << "next: start the server; nae --config with these files and the key of the request\n";
  return told();
}

int accept_keys(const std::string& file, const std::string& reason) {
  auto accepted = with_secrets(
      file, [&](const auto& config) { return nae::server::accept_keys(config, reason); });
  if (!accepted) return report(accepted.error());
  std::cout << "the keys are bound; the audit log says:\n  " << *accepted << "\n";
  return told();
}

int verify_store(const std::string& file) {
  auto verified = with_secrets(file, nae::server::verify_store);
  if (!verified) return report(verified.error());
  std::cout << "the store is what its ledger says: " << verified->changes << " changes, "
            << verified->rows << " rows\n"
            << "  newest change  " << verified->head.epoch << ", "
            << nae::to_hex(verified->head.hash) << "\n";
  return told();
}

int accept_store_rollback(const std::string& file, const std::string& reason) {
  auto accepted = with_secrets(
      file, [&](const auto& config) { return nae::server::accept_store_rollback(config, reason); });
  if (!accepted) return report(accepted.error());
  std::cout << "the store is taken as it is:\n  " << *accepted << "\n"
            << "next: start the server; then look at policy, keys, devices and administrators, for "
               "what was done since is undone\n";
  return told();
}

int move_store(const std::string& file, const std::string& url) {
  auto moved =
      with_secrets(file, [&](const auto& config) { return nae::server::move_store(config, url); });
  if (!moved) return report(moved.error());
  std::cout << *moved << "next: in [store] of " << file << " put url in the place of path\n";
  return told();
}

int back_up(const std::string& file, const std::string& out) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto done = nae::server::back_up(file, *config, out);
  if (!done) return report(done.error());
  std::cout << out << ": " << done->keys << " keys, " << done->versions
            << " versions, each read back\n"
            << done->manifest.string()
            << ": digests of it, of the configuration and of certificates\n";
  if (!done->custody.empty())
    std::cout << done->custody.string() << ": the keys in custody, its signature checked\n";
  return told();
}

int restore(const std::string& file, const nae::server::Restore& wanted) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto restored =
      with_secrets(file, [&](const auto& of) { return nae::server::restore(of, wanted); });
  if (!restored) return report(restored.error());
  std::cout << nae::server::report_of(*config, *restored);
  std::cout << "next: nae-keyserver run --config " << file << "\n";
  return told();
}

int rotate_custodians(const std::string& file, const nae::server::Rotation& wanted) {
  auto rotated = with_secrets(
      file, [&](const auto& of) { return nae::server::rotate_custodians(of, wanted); });
  if (!rotated) return report(rotated.error());
  std::cout << nae::server::report_of(*rotated);
  return told();
}

// Cards at the reader, as options name them.
struct CardOptions {
  std::vector<std::string> software_cards, passphrases, tokens, pins;
  std::string module;
};

void add_cards(CLI::App& command, CardOptions& options) {
  command.add_option("--software-card", options.software_cards, "A card in a file; repeatable");
  command.add_option("--passphrase-file", options.passphrases,
                     "Its passphrase; one for each, in their order");
  command.add_option("--card-module", options.module, "PKCS#11 library of the cards");
  command.add_option("--card-token", options.tokens, "Label of a card's token; repeatable");
  command.add_option("--card-pin-file", options.pins, "Its PIN; one for each, in their order");
}

// False, and said, when one lacks its passphrase or PIN.
bool name_cards(const CardOptions& options, nae::server::CardsAtReader& cards) {
  if (options.software_cards.size() != options.passphrases.size() ||
      options.tokens.size() != options.pins.size()) {
    (void)std::fprintf(stderr, "nae-keyserver: each card needs its passphrase or PIN file\n");
    return false;
  }
  for (std::size_t i = 0; i < options.software_cards.size(); ++i)
    cards.software_cards.push_back({options.software_cards[i], options.passphrases[i]});
  for (std::size_t i = 0; i < options.tokens.size(); ++i)
    cards.token_cards.push_back({options.module, options.tokens[i], options.pins[i]});
  return true;
}

// Where packages put it, or else where `init --directory /var/lib/nae` did.
std::string usual_configuration() {
  constexpr const char *kPackaged = "/etc/nae/nae-keyserver.toml",
                       *kInitialised = "/var/lib/nae/nae-keyserver.toml";
  const bool only_initialised = ::access(kPackaged, F_OK) != 0 && ::access(kInitialised, F_OK) == 0;
  return only_initialised ? kInitialised : kPackaged;
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

  std::string file = usual_configuration();
  auto* run_command = app.add_subcommand("run", "Serve until SIGTERM or SIGINT.");
  run_command->add_option("--config", file, "Configuration file")->capture_default_str();
  auto* check_command =
      app.add_subcommand("check-config", "Check a configuration file and start nothing.");
  check_command->add_option("--config", file, "Configuration file")->capture_default_str();

  bool json = false;
  auto* doctor_command = app.add_subcommand(
      "doctor", "Look for what is wrong on this host; changes nothing and asks no server.");
  doctor_command->add_option("--config", file, "Configuration file")->capture_default_str();
  doctor_command->add_flag("--json", json, "Print the findings as JSON");

  auto* renew_command = app.add_subcommand(
      "renew-certificate", "Renew the server's certificate, for the key and names that it has.");
  renew_command->add_option("--config", file, "Configuration file")->capture_default_str();

  std::string reason;
  auto* loss_command = app.add_subcommand(
      "accept-audit-loss", "Begin a new audit log that says what was lost; the server is stopped.");
  loss_command->add_option("--config", file, "Configuration file")->capture_default_str();
  loss_command->add_option("--reason", reason, "Why the log was lost, for its first record")
      ->required();

  nae::server::Recovery recovery;
  auto* recover_command = app.add_subcommand(
      "recover-admin",
      "Appoint an administrator when nobody can administer any more; the server is stopped.");
  recover_command->add_option("--config", file, "Configuration file")->capture_default_str();
  recover_command->add_option("--name", recovery.name, "Name of the administrator")->required();
  recover_command
      ->add_option("--request", recovery.request,
                   "PKCS#10 request (PEM), made where the administrator's key is")
      ->required();
  recover_command->add_option("--out", recovery.out, "New directory for the certificate")
      ->required();
  recover_command->add_option("--role", recovery.roles,
                              "Role of a new administrator, repeatable; without it, all four");
  recover_command->add_option("--reason", recovery.reason, "Why, for the audit log's record")
      ->required();
  auto* keys_command = app.add_subcommand(
      "accept-keys", "Bind the keys of a store that an older server wrote; the server is stopped.");
  keys_command->add_option("--config", file, "Configuration file")->capture_default_str();
  keys_command->add_option("--reason", reason, "Where the store comes from, for the audit log")
      ->required();
  auto* verify_command = app.add_subcommand(
      "verify-store",
      "Compare the store with its ledger from the first change on; the server is stopped.");
  verify_command->add_option("--config", file, "Configuration file")->capture_default_str();
  auto* rollback_command = app.add_subcommand(
      "accept-store-rollback",
      "Go on with a store that is older than the audit log knows it; the server is stopped.");
  rollback_command->add_option("--config", file, "Configuration file")->capture_default_str();
  rollback_command
      ->add_option("--reason", reason, "Why the store is an older one, for the audit log")
      ->required();

  std::string url;
  auto* move_command = app.add_subcommand(
      "move-store", "Move the store from SQLite's file into a PostgreSQL; the server is stopped.");
  move_command->add_option("--config", file, "Configuration file")->capture_default_str();
  move_command->add_option("--to", url, "postgresql://USER@HOST[:PORT][,HOST...]/DATABASE")
      ->required();

  std::string out;
  auto* backup_command = app.add_subcommand(
      "backup", "Copy the store, also while the server runs, and make a manifest beside it.");
  backup_command->add_option("--config", file, "Configuration file")->capture_default_str();
  backup_command->add_option("--out", out, "File for the copy; it must not exist")->required();

  nae::server::Restore wanted;
  CardOptions at_reader;
  auto* restore_command = app.add_subcommand(
      "restore",
      "Bring the keys back onto a token, by k custodians' cards; the server is stopped.");
  restore_command->add_option("--config", file, "Configuration file")->capture_default_str();
  restore_command->add_option("--custody", wanted.custody, "The file custody.nae");
  restore_command->add_option("--backup", wanted.backup,
                              "A file of nae backup in its place: brings the store back, too");
  restore_command->add_option("--audit-key", wanted.audit_key,
                              "audit-public.pem of the group, where the audit log has none");
  add_cards(*restore_command, at_reader);

  nae::server::Rotation rotation;
  std::string quorum;
  std::vector<std::string> cards, sha1_cards;
  auto* rotate_command = app.add_subcommand(
      "rotate-custodians",
      "Give the group's keys to other cards, by k of those that have them; the server is stopped.");
  rotate_command->add_option("--config", file, "Configuration file")->capture_default_str();
  add_cards(*rotate_command, at_reader);
  rotate_command->add_flag("--yes", rotation.yes, "Show whose the new cards are without asking");

  nae::setup::Choices choices;
  choices.node = "ks1";
  std::string listen = "127.0.0.1:7443";
  auto* init_command = app.add_subcommand(
      "init", "Make HSM token, group key, authority, certificates, store and configuration.");
  init_command->add_option("--directory", choices.directory, "New or empty directory")->required();
  init_command->add_option("--listen", listen, "Address to serve on; port 0 takes a free one")
      ->capture_default_str();
  init_command->add_option("--name", choices.names,
                           "DNS name or address that agents call the server by; repeatable");
  init_command->add_option("--admin", choices.admin, "Name of the first administrator")
      ->capture_default_str();
  init_command->add_option("--module", choices.module, "PKCS#11 library of the HSM")
      ->capture_default_str();
  init_command->add_option("--module-parameters", choices.module_parameters,
                           "What the library is told when it is initialised; most take nothing");
  init_command->add_option("--token-label", choices.token_label, "Label of the HSM token")
      ->capture_default_str();
  init_command->add_option("--pin-file", choices.pin_file,
                           "User PIN of an existing token; without it SoftHSM2 gets a new one");
  init_command->add_option("--store", choices.store_url,
                           "postgresql://... to keep the store in; without it a file of SQLite");
  init_command
      ->add_option("--node", choices.node, "Name of this key server among those of that store")
      ->capture_default_str();
  for (CLI::App* command : {init_command, rotate_command}) {
    command->add_option("--custody", quorum,
                        "K/N: that many of the cards together open the group's keys");
    command->add_option("--card", cards,
                        "Certificate or public key of a custodian's card, FILE named by its "
                        "holder; repeatable");
    command->add_option("--sha1-card", sha1_cards,
                        "The same for a card whose module does OAEP with SHA-1 alone");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? told() : kUsage;
  }
  if (*run_command) return run(file);
  if (*check_command) return check(file);
  if (*doctor_command) return examine(file, json);
  if (*renew_command) return renew_certificate(file);
  if (*loss_command) return accept_audit_loss(file, reason);
  if (*recover_command) return recover_admin(file, recovery);
  if (*backup_command) return back_up(file, out);
  if (*move_command) return move_store(file, url);
  if (*keys_command) return accept_keys(file, reason);
  if (*restore_command) {
    if (wanted.custody.empty() && wanted.backup.empty()) {
      (void)std::fprintf(stderr, "nae-keyserver: restore takes --custody, or --backup\n");
      return kUsage;
    }
    return name_cards(at_reader, wanted) ? restore(file, wanted) : kUsage;
  }
  if (*rotate_command) {
    if (auto chosen = nae::setup::choose_custody(quorum, cards, sha1_cards, rotation.next);
        !chosen) {
      report(chosen.error());
      return kUsage;
    }
    return name_cards(at_reader, rotation) ? rotate_custodians(file, rotation) : kUsage;
  }
  if (*verify_command) return verify_store(file);
  if (*rollback_command) return accept_store_rollback(file, reason);
  if (!nae::setup::set_listen(listen, choices)) {
    (void)std::fprintf(stderr, "nae-keyserver: --listen must be HOST:PORT\n");
    return kUsage;
  }
  // Before anything is made that a start at this address would be refused for.
  if (auto checked = nae::server::check_address(choices.host); !checked)
    return report(checked.error());
  if (auto chosen = nae::setup::choose_custody(quorum, cards, sha1_cards, choices.custody);
      !chosen) {
    report(chosen.error());
    return kUsage;
  }
  return init(choices);
}
