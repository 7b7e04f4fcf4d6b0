#include <ctime>
#include <iostream>
#include <memory>

#include "keyserver/commands/configuration.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/recover_admin.hpp"
#include "keyserver/server/renew_certificate.hpp"
#include "keyserver/setup/accept_audit_loss.hpp"

namespace nae::commands {
namespace {

// "2026-11-30", in UTC.
std::string day_of(std::int64_t at_s) {
  std::time_t until = at_s;
  std::tm parts{};
  ::gmtime_r(&until, &parts);
  char day[16];
  return std::string(day, std::strftime(day, sizeof day, "%Y-%m-%d", &parts));
}

int renew_certificate(const std::string& file) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto renewed = with_secrets(file, server::renew_certificate);
  if (!renewed) return report(renewed.error());
  std::cout << config->tls.certificate.string() << " is renewed until "
            << day_of(renewed->not_after_s) << ", serial " << renewed->serial << "\n"
            << "next: systemctl reload nae-keyserver (SIGHUP), or start it\n";
  return told();
}

int accept_audit_loss(const std::string& file, const std::string& reason) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto store = server::open_store(*config);
  if (!store) return report(store.error());
  auto accepted = setup::accept_audit_loss(**store, config->audit.directory, reason);
  if (!accepted) return report(accepted.error());
  std::cout << "a new audit log begins in " << config->audit.directory.string()
            << "\n  its record: " << accepted->detail << "\n";
  if (!accepted->moved_to.empty())
    std::cout << "  what was left of the old one: " << accepted->moved_to.string() << "\n";
  return told();
}

int recover_admin(const std::string& file, const server::Recovery& wanted) {
  auto recovered =
      with_secrets(file, [&](const auto& config) { return server::recover_admin(config, wanted); });
  if (!recovered) return report(recovered.error());
  std::cout << wanted.name << " is an administrator until " << day_of(recovered->not_after_s)
            << ", serial " << recovered->serial << "\n"
            << "  certificate  " << recovered->certificate.string() << "\n"
            << "  authority    " << recovered->authority.string() << "\n"
            << "  its record   " << recovered->detail << "\n"
            << "next: start the server; nae --config with these files and the key of the request\n";
  return told();
}

}  // namespace

void add_renew_certificate(CLI::App& app, Commands& commands) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "renew-certificate", "Renew the server's certificate, for the key and names that it has.");
  add_configuration(*command, *file);
  commands.push_back({command, [file] { return renew_certificate(*file); }});
}

void add_accept_audit_loss(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file, reason;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "accept-audit-loss", "Begin a new audit log that says what was lost; the server is stopped.");
  add_configuration(*command, options->file);
  command->add_option("--reason", options->reason, "Why the log was lost, for its first record")
      ->required();
  commands.push_back(
      {command, [options] { return accept_audit_loss(options->file, options->reason); }});
}

void add_recover_admin(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file;
    server::Recovery wanted;
  };
  auto options = std::make_shared<Options>();
  server::Recovery& wanted = options->wanted;
  CLI::App* command = app.add_subcommand(
      "recover-admin",
      "Appoint an administrator when nobody can administer any more; the server is stopped.");
  add_configuration(*command, options->file);
  command->add_option("--name", wanted.name, "Name of the administrator")->required();
  command
      ->add_option("--request", wanted.request,
                   "PKCS#10 request (PEM), made where the administrator's key is")
      ->required();
  command->add_option("--out", wanted.out, "New directory for the certificate")->required();
  command->add_option("--role", wanted.roles,
                      "Role of a new administrator, repeatable; without it, all four");
  command->add_option("--reason", wanted.reason, "Why, for the audit log's record")->required();
  commands.push_back(
      {command, [options] { return recover_admin(options->file, options->wanted); }});
}

}  // namespace nae::commands
