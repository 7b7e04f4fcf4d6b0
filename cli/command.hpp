// What a subcommand is given and what it answers.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "cli/exit_code.hpp"
#include "cli/profile.hpp"
#include "cli/server.hpp"
#include "cli/table.hpp"
#include "cli/terminal.hpp"

namespace nae::cli {

// One call of the program.
struct Call {
  std::ostream& out;
  std::ostream& err;
  const Terminal& terminal;
  ProfileOptions profile;
  bool json = false;
  std::istream* input = nullptr;  // of a batch
  Server* shared = nullptr;       // of the batch that this is a line of
  // Runs a command over `server` as a line of a batch; answers its exit code.
  std::function<int(std::vector<std::string> words, std::ostream& out, std::ostream& err,
                    Server& server, bool json)>
      run_line = {};

  // See Server.
  std::shared_ptr<std::optional<Error>> behind = std::make_shared<std::optional<Error>>();

  // The server of the profile. Commands that need none never ask for it.
  Outcome<std::unique_ptr<Server>> server() const;
  // On a terminal that is too narrow without `dispensable` columns, see Table::print().
  void print(const Table& table, const std::vector<std::string>& dispensable = {}) const;
  // With --json the answer as it is, else what `table` prints.
  void show(const json::value& answer, const std::function<void()>& table) const;
};

// What a subcommand does once the arguments are read.
using Action = std::function<Outcome<ExitCode>(Call&)>;

// Each adds a subcommand with its options to `app`; parsing one of its leaves sets `chosen`.
void add_key(CLI::App& app, Action& chosen);
// To `nae key`.
void add_key_import(CLI::App& key, Action& chosen);
void add_key_wrap(CLI::App& key, Action& chosen);
void add_key_export(CLI::App& key, Action& chosen);
void add_key_certificate(CLI::App& key, Action& chosen);
void add_policy(CLI::App& app, Action& chosen);
void add_device(CLI::App& app, Action& chosen);
void add_admin(CLI::App& app, Action& chosen);
void add_approval(CLI::App& app, Action& chosen);
void add_audit(CLI::App& app, Action& chosen);
void add_status(CLI::App& app, Action& chosen);
void add_clock(CLI::App& app, Action& chosen);
void add_node(CLI::App& app, Action& chosen);
void add_pkcs11(CLI::App& app, Action& chosen);
void add_batch(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);
void add_custody(CLI::App& app, Action& chosen);
void add_backup(CLI::App& app, Action& chosen);

// Of a leaf that takes none.
struct NoOptions {};

// A leaf: `name` with an options struct of its own, run when it was parsed. Answers the struct.
template <class Options>
std::pair<CLI::App*, Options*> add_leaf(CLI::App& parent, const char* name, const char* description,
                                        Action& chosen,
                                        Outcome<ExitCode> (*run)(Call&, const Options&)) {
  CLI::App* leaf = parent.add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  leaf->callback([&chosen, options, run] {
    chosen = [options, run](Call& call) { return run(call, *options); };
  });
  return {leaf, options.get()};
}

// Refuses what is_name() refuses, before it becomes part of an address.
Outcome<std::string> checked_name(const std::string& name);

}  // namespace nae::cli
