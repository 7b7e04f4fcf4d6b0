// nae key states | activate | restrict | retire | restore | destroy | cancel-destroy | schedule |
// usage
#include <ostream>

#include "cli/confirmation.hpp"
#include "cli/key_answer.hpp"
#include "cli/local_time.hpp"
#include "cli/moment.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct VersionOptions {
  std::string name;
  unsigned version = 0;
  bool yes = false;
};

// "/v1/keys/NAME/versions/N"
Outcome<std::string> path_of(const VersionOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  return "/v1/keys/" + name + "/versions/" + std::to_string(options.version);
}

Outcome<ExitCode> change(Call& call, const char* method, const std::string& path,
                         const json::object& body) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value key, server->call(method, path, body));
  show_key(call, key);
  return kOk;
}

// What is lost for good by this state, for the question before it; empty: nothing is.
std::string loss_by(std::string_view state) {
  if (state == "destroyed")
    return " is destroyed after the waiting period: what was encrypted under it is lost then.";
  if (state == "restricted")
    return " decrypts and verifies only from now on: it never becomes active again.";
  return {};
}

Outcome<std::monostate> confirmed_state(const Call& call, const VersionOptions& options,
                                        std::string_view state) {
  const std::string loss = loss_by(state);
  if (loss.empty()) return std::monostate{};
  return confirmed(call, options.yes,
                   "Version " + std::to_string(options.version) + " of key " + options.name + loss);
}

// One command a state: what an operator means to do, without a table to look up.
template <const char* const& state>
Outcome<ExitCode> set(Call& call, const VersionOptions& options) {
  NAE_ANSWER(std::string path, path_of(options));
  NAE_TRY_OUTCOME(confirmed_state(call, options, state));
  return change(call, "PATCH", path, {{"state", state}});
}
constexpr const char* kActive = "active";
constexpr const char* kRestricted = "restricted";
constexpr const char* kRetired = "retired";
constexpr const char* kDestroyed = "destroyed";

Outcome<ExitCode> cancel_destroy(Call& call, const VersionOptions& options) {
  NAE_ANSWER(std::string path, path_of(options));
  return change(call, "DELETE", path + "/schedule/destroyed", {});
}

struct VersionCommand {
  const char* name;
  std::string_view state;  // that it sets; empty: none
  Outcome<ExitCode> (*run)(Call&, const VersionOptions&);
  const char* description;
  const char* footer;
};
constexpr VersionCommand kVersionCommands[] = {
    {"activate", kActive, set<kActive>, "Put a pre-active version to use",
     "From now on values are encrypted under it, if it is the newest active one."},
    {"restrict", kRestricted, set<kRestricted>, "Let a version decrypt and verify only",
     "Nothing new is encrypted or signed with it; what exists stays readable. It never becomes\n"
     "active again: rotate the key instead."},
    {"retire", kRetired, set<kRetired>, "Let a version do nothing, until it is restored",
     "What was encrypted under it cannot be read meanwhile: a rehearsal of its destruction.\n"
     "Before, move the values with nae_rewrap() and see 'nae key usage' and nae_key_versions()."},
    {"restore", kRestricted, set<kRestricted>, "Let a retired version decrypt and verify again",
     "It becomes restricted. Cancel its destruction first when that is scheduled."},
    {"destroy", kDestroyed, set<kDestroyed>,
     "Erase a retired or pre-active version, after the waiting period",
     "Until the date that is shown 'nae key cancel-destroy' saves it; after it nothing does, and\n"
     "what was encrypted under it is lost. The server's destroy_wait_hours is the period."},
    {"cancel-destroy", "", cancel_destroy, "Save a version from its scheduled destruction",
     "The version stays as it is: retired or pre-active."},
};

struct StatesOptions {
  VersionOptions version;
  std::string state;
};
Outcome<ExitCode> states(Call& call, const StatesOptions& options) {
  if (!options.state.empty()) {
    NAE_ANSWER(std::string path, path_of(options.version));
    NAE_TRY_OUTCOME(confirmed_state(call, options.version, options.state));
    return change(call, "PATCH", path, {{"state", options.state}});
  }
  NAE_ANSWER(std::string name, checked_name(options.version.name));
  return change(call, "GET", "/v1/keys/" + name, {});
}

struct ScheduleOptions {
  VersionOptions version;
  std::string state, at;
  bool cancel = false;
};
Outcome<ExitCode> schedule(Call& call, const ScheduleOptions& options) {
  NAE_ANSWER(std::string path, path_of(options.version));
  if (options.cancel) return change(call, "DELETE", path + "/schedule/" + options.state, {});
  if (options.at.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "no date is given", "Give --at TIME, or --cancel."));
  NAE_ASSIGN(const std::string at, utc_of(options.at));
  if (options.state == kDestroyed)
    NAE_TRY_OUTCOME(confirmed(call, options.version.yes,
                              "Version " + std::to_string(options.version.version) + " of key " +
                                  options.version.name + " is destroyed at " +
                                  local_time_with_zone(at) +
                                  ": what was encrypted under it is lost then."));
  return change(call, "POST", path + "/schedule", {{"state", options.state}, {"at", at}});
}

struct UsageOptions {
  std::string name;
};
Outcome<ExitCode> usage(Call& call, const UsageOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/keys/" + name + "/usage"));
  call.show(answer, [&] {
    Table table(
        {"VERSION", "STATE", zoned("SINCE"), "USES", "SALTS", "LAST USE", "READS", "LAST READ"});
    auto date = [](const std::string& text) {
      return text.empty() ? std::string("never") : local_time(text);
    };
    for (const json::value& version : items(answer, "versions"))
      table.add({shown(version, "version"), shown(version, "state"),
                 local_time(shown(version, "since")), shown(version, "uses"),
                 shown(version, "salts"), date(shown(version, "last_use_at")),
                 shown(version, "reads"), date(shown(version, "last_read_at"))});
    call.print(table, {"SINCE"});
  });
  return kOk;
}

void add_states(CLI::App& key, Action& chosen) {
  auto [leaf, options] = add_leaf<StatesOptions>(
      key, "states", "Show the states of a key's versions, or change one", chosen, states);
  leaf->add_option("NAME", options->version.name, "Name of the key")->required();
  add_yes(*leaf, options->version.yes);
  CLI::Option* version =
      leaf->add_option("--version", options->version.version, "Version to change")
          ->check(CLI::Range(1u, 65535u));
  CLI::Option* set = leaf->add_option("--set", options->state, "Its new state")
                         ->check(CLI::IsMember({"active", "restricted", "retired", "destroyed"}));
  version->needs(set);
  set->needs(version);
  leaf->fallthrough()->footer(
      "active      everything the key's type, its attributes and the policy allow\n"
      "restricted  decrypt, derive, verify and mac-verify only; never active again, rotate "
      "instead\n"
      "retired     nothing, until restored to restricted\n"
      "destroyed   nothing, ever: the material is erased after the waiting period; only from\n"
      "            retired or pre-active\n\n"
      "The change is in force on every connection when the command returns.\n\n"
      "Examples:\n"
      "  nae key states customer-pii\n"
      "  nae key states customer-pii --version 1 --set retired");
}

void add_schedule(CLI::App& key, Action& chosen) {
  auto [leaf, options] = add_leaf<ScheduleOptions>(
      key, "schedule", "Plan a change of state for a date, or cancel it", chosen, schedule);
  leaf->add_option("NAME", options->version.name, "Name of the key")->required();
  leaf->add_option("VERSION", options->version.version, "Version to change")
      ->required()
      ->check(CLI::Range(1u, 65535u));
  leaf->add_option("STATE", options->state, "Its state from then on")
      ->required()
      ->check(CLI::IsMember({"active", "restricted", "retired", "destroyed"}));
  CLI::Option* at =
      leaf->add_option("--at", options->at, "When: 2026-12-31, \"in 2 days\", 2026-12-31T00:00Z");
  CLI::Option* cancel = leaf->add_flag("--cancel", options->cancel, "Take the planned change back");
  at->excludes(cancel);
  add_yes(*leaf, options->version.yes);
  leaf->fallthrough()->footer(
      "The server makes the change at that time, within a second or two, and after a restart what\n"
      "became due meanwhile. A destruction can be planned from the end of the waiting period "
      "on.\n\n"
      "Examples:\n"
      "  nae key schedule customer-pii 1 restricted --at 2026-12-31\n"
      "  nae key schedule customer-pii 1 restricted --cancel");
}

}  // namespace

void add_key_states(CLI::App& key, Action& chosen) {
  add_states(key, chosen);
  for (const VersionCommand& command : kVersionCommands) {
    auto [leaf, options] =
        add_leaf<VersionOptions>(key, command.name, command.description, chosen, command.run);
    leaf->add_option("NAME", options->name, "Name of the key")->required();
    leaf->add_option("VERSION", options->version, "Its version")
        ->required()
        ->check(CLI::Range(1u, 65535u));
    if (!loss_by(command.state).empty()) add_yes(*leaf, options->yes);
    leaf->fallthrough()->footer(std::string(command.footer) +
                                "\n\nThe change is in force on every connection when the command "
                                "returns.\n\nExample:\n  nae key " +
                                command.name + " customer-pii 1");
  }
  add_schedule(key, chosen);

  auto [leaf, options] = add_leaf<UsageOptions>(
      key, "usage", "Show how often each version was used, and when last", chosen, usage);
  leaf->add_option("NAME", options->name, "Name of the key")->required();
  leaf->fallthrough()->footer(
      "USES   values encrypted, signed or authenticated; after a crash up to 16384 too many or\n"
      "       twice what was used in a second, never too few\n"
      "READS  values decrypted or verified; a crash loses the last seconds\n\n"
      "A version is ready to be retired when nae_key_versions() finds none of its values and\n"
      "LAST READ stays where it is.\n\n"
      "Example:\n  nae key usage customer-pii");
}

}  // namespace nae::cli
