#include "keyserver/server/backup.hpp"

#include <cstdio>
#include <iostream>
#include <memory>

#include "keyserver/commands/cards.hpp"
#include "keyserver/commands/configuration.hpp"
#include "keyserver/server/restore.hpp"
#include "keyserver/server/rotate_custodians.hpp"

namespace nae::commands {
namespace {

int back_up(const std::string& file, const std::string& out) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto done = server::back_up(file, *config, out);
  if (!done) return report(done.error());
  std::cout << out << ": " << done->keys << " keys, " << done->versions
            << " versions, each read back\n"
            << done->manifest.string()
            << ": digests of it, of the configuration and of certificates\n";
  if (!done->custody.empty())
    std::cout << done->custody.string() << ": the keys in custody, its signature checked\n";
  return told();
}

int restore(const std::string& file, const server::Restore& wanted) {
  auto config = loaded(file);
  if (!config) return report(config.error());
  auto restored = with_secrets(file, [&](const auto& of) { return server::restore(of, wanted); });
  if (!restored) return report(restored.error());
  std::cout << server::report_of(*config, *restored);
  std::cout << "next: nae-keyserver run --config " << file << "\n";
  return told();
}

int rotate_custodians(const std::string& file, const server::Rotation& wanted) {
  auto rotated =
      with_secrets(file, [&](const auto& of) { return server::rotate_custodians(of, wanted); });
  if (!rotated) return report(rotated.error());
  std::cout << server::report_of(*rotated);
  return told();
}

}  // namespace

void add_backup(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file, out;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "backup", "Copy the store, also while the server runs, and make a manifest beside it.");
  add_configuration(*command, options->file);
  command->add_option("--out", options->out, "File for the copy; it must not exist")->required();
  commands.push_back({command, [options] { return back_up(options->file, options->out); }});
}

void add_restore(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file;
    server::Restore wanted;
    CardOptions at_reader;
  };
  auto options = std::make_shared<Options>();
  server::Restore& wanted = options->wanted;
  CLI::App* command = app.add_subcommand(
      "restore",
      "Bring the keys back onto a token, by k custodians' cards; the server is stopped.");
  add_configuration(*command, options->file);
  command->add_option("--custody", wanted.custody, "The file custody.nae");
  command->add_option("--backup", wanted.backup,
                      "A file of nae backup in its place: brings the store back, too");
  command->add_option("--audit-key", wanted.audit_key,
                      "audit-public.pem of the group, where the audit log has none");
  options->at_reader.add_to(*command);
  commands.push_back({command, [options] {
                        if (options->wanted.custody.empty() && options->wanted.backup.empty()) {
                          (void)std::fprintf(
                              stderr, "nae-keyserver: restore takes --custody, or --backup\n");
                          return kUsage;
                        }
                        if (!options->at_reader.name(options->wanted)) return kUsage;
                        return restore(options->file, options->wanted);
                      }});
}

void add_rotate_custodians(CLI::App& app, Commands& commands) {
  struct Options {
    std::string file;
    server::Rotation wanted;
    CardOptions at_reader;
    CustodianOptions next;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "rotate-custodians",
      "Give the group's keys to other cards, by k of those that have them; the server is stopped.");
  add_configuration(*command, options->file);
  options->at_reader.add_to(*command);
  command->add_flag("--yes", options->wanted.yes, "Show whose the new cards are without asking");
  options->next.add_to(*command);
  commands.push_back({command, [options] {
                        if (!options->next.choose(options->wanted.next)) return kUsage;
                        if (!options->at_reader.name(options->wanted)) return kUsage;
                        return rotate_custodians(options->file, options->wanted);
                      }});
}

}  // namespace nae::commands
