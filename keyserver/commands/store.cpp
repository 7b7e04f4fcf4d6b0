#include <iostream>
#include <memory>

#include "keyserver/commands/configuration.hpp"
#include "keyserver/server/accept_keys.hpp"
#include "keyserver/server/move_store.hpp"
#include "keyserver/server/store_commands.hpp"
#include "libnae/base/text.hpp"

namespace nae::commands {
namespace {

int accept_keys(const std::string& file, const std::string& reason) {
  auto accepted =
      with_secrets(file, [&](const auto& config) { return server::accept_keys(config, reason); });
  if (!accepted) return report(accepted.error());
  std::cout << "the keys are bound; the audit log says:\n  " << *accepted << "\n";
  return told();
}

int verify_store(const std::string& file) {
  auto verified = with_secrets(file, server::verify_store);
  if (!verified) return report(verified.error());
  std::cout << "the store is what its ledger says: " << verified->changes << " changes, "
            << verified->rows << " rows\n"
            << "  newest change  " << verified->head.epoch << ", " << to_hex(verified->head.hash)
            << "\n";
  return told();
}

int accept_store_rollback(const std::string& file, const std::string& reason) {
  auto accepted = with_secrets(
      file, [&](const auto& config) { return server::accept_store_rollback(config, reason); });
  if (!accepted) return report(accepted.error());
  std::cout << "the store is taken as it is:\n  " << *accepted << "\n"
            << "next: start the server; then look at policy, keys, devices and administrators, for "
               "what was done since is undone\n";
  return told();
}

int move_store(const std::string& file, const std::string& url) {
  auto moved =
      with_secrets(file, [&](const auto& config) { return server::move_store(config, url); });
  if (!moved) return report(moved.error());
  std::cout << *moved << "next: in [store] of " << file << " put url in the place of path\n";
  return told();
}

struct Reasoned {
  std::string file, reason;
};

}  // namespace

void add_accept_keys(CLI::App& app, Commands& commands) {
  auto options = std::make_shared<Reasoned>();
  CLI::App* command = app.add_subcommand(
      "accept-keys", "Bind the keys of a store that an older server wrote; the server is stopped.");
  add_configuration(*command, options->file);
  command->add_option("--reason", options->reason, "Where the store comes from, for the audit log")
      ->required();
  commands.push_back({command, [options] { return accept_keys(options->file, options->reason); }});
}

void add_verify_store(CLI::App& app, Commands& commands) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand(
      "verify-store",
      "Compare the store with its ledger from the first change on; the server is stopped.");
  add_configuration(*command, *file);
  commands.push_back({command, [file] { return verify_store(*file); }});
}

void add_accept_store_rollback(CLI::App& app, Commands& commands) {
  auto options = std::make_shared<Reasoned>();
  CLI::App* command = app.add_subcommand(
      "accept-store-rollback",
      "Go on with a store that is older than the audit log knows it; the server is stopped.");
  add_configuration(*command, options->file);
  command
      ->add_option("--reason", options->reason, "Why the store is an older one, for the audit log")
      ->required();
  commands.push_back(
      {command, [options] { return accept_store_rollback(options->file, options->reason); }});
}

void add_move_store(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file, url;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "move-store", "Move the store from SQLite's file into a PostgreSQL; the server is stopped.");
  add_configuration(*command, options->file);
  command->add_option("--to", options->url, "postgresql://USER@HOST[:PORT][,HOST...]/DATABASE")
      ->required();
  commands.push_back({command, [options] { return move_store(options->file, options->url); }});
}

}  // namespace nae::commands
