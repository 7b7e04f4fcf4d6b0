// Commands of nae-keyserver: each has a function that adds it to the command line, in the order in
// which the help lists them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::commands {

// Exit codes, as `man nae-keyserver` lists them.
constexpr int kFailed = 1;
constexpr int kUsage = 2;
// EX_CONFIG of sysexits.h: another start does not help before a person has looked.
constexpr int kNeedsAPerson = 78;

struct Command {
  CLI::App* on_the_command_line;
  std::function<int()> run;  // what the process ends with
};
using Commands = std::vector<Command>;

void add_run(CLI::App& app, Commands& commands);
void add_check_config(CLI::App& app, Commands& commands);
void add_doctor(CLI::App& app, Commands& commands);
void add_renew_certificate(CLI::App& app, Commands& commands);
void add_accept_audit_loss(CLI::App& app, Commands& commands);
void add_recover_admin(CLI::App& app, Commands& commands);
void add_accept_keys(CLI::App& app, Commands& commands);
void add_verify_store(CLI::App& app, Commands& commands);
void add_accept_store_rollback(CLI::App& app, Commands& commands);
void add_move_store(CLI::App& app, Commands& commands);
void add_backup(CLI::App& app, Commands& commands);
void add_restore(CLI::App& app, Commands& commands);
void add_rotate_custodians(CLI::App& app, Commands& commands);
void add_init(CLI::App& app, Commands& commands);

// Says on standard error what failed. Returns kFailed.
int report(const Error& error);
// The exit code of a command that has done its work: kFailed when its output was not written.
int told();

}  // namespace nae::commands
