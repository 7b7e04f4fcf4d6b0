// nae key create | list | show | rotate | states
#include <ostream>

#include "cli/command.hpp"
#include "cli/table.hpp"
#include "libnae/base/algorithm.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

void show_key(Call& call, const json::value& key) {
  call.show(key, [&] {
    call.out << "name     " << printable(shown(key, "name")) << '\n'
             << "type     " << shown(key, "type") << '\n'
             << "id       " << shown(key, "id") << '\n'
             << "created  " << shown(key, "created_at") << '\n'
             << "primary  "
             << (shown(key, "primary_version").empty() ? "none" : shown(key, "primary_version"))
             << "\n\n";
    Table table({"VERSION", "STATE", "CREATED", "KEPT"});
    for (const json::value& version : items(key, "versions"))
      table.add({shown(version, "version"), shown(version, "state"), shown(version, "created_at"),
                 shown(version, "kept")});
    table.print(call.out);
    for (const json::value& version : items(key, "versions"))
      if (std::string pem = shown(version, "public_key"); !pem.empty())
        call.out << "\npublic key of version " << shown(version, "version") << '\n' << pem;
  });
}

struct CreateOptions {
  std::string name, type;
};
Outcome<ExitCode> create(Call& call, const CreateOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value key,
             server->call("POST", "/v1/keys", {{"name", name}, {"type", options.type}}));
  show_key(call, key);
  return kOk;
}

struct NoOptions {};
Outcome<ExitCode> list(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/keys"));
  call.show(answer, [&] {
    Table table({"NAME", "TYPE", "ID", "VERSIONS", "PRIMARY", "CREATED"});
    for (const json::value& key : items(answer, "keys"))
      table.add({shown(key, "name"), shown(key, "type"), shown(key, "id"), shown(key, "versions"),
                 shown(key, "primary_version").empty() ? "none" : shown(key, "primary_version"),
                 shown(key, "created_at")});
    if (table.empty())
      call.out << "No keys yet; make one with: nae key create NAME --type aes-256-gcm\n";
    else
      table.print(call.out);
  });
  return kOk;
}

struct NameOptions {
  std::string name;
};
Outcome<ExitCode> show(Call& call, const NameOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value key, server->call("GET", "/v1/keys/" + name));
  show_key(call, key);
  return kOk;
}

Outcome<ExitCode> rotate(Call& call, const NameOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value key, server->call("POST", "/v1/keys/" + name + "/rotate"));
  show_key(call, key);
  return kOk;
}

struct StatesOptions {
  std::string name, state;
  unsigned version = 0;
};
Outcome<ExitCode> states(Call& call, const StatesOptions& options) {
  if (options.state.empty()) return show(call, {options.name});
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  std::string path = "/v1/keys/" + name + "/versions/" + std::to_string(options.version);
  NAE_ANSWER(json::value key, server->call("PATCH", path, {{"state", options.state}}));
  show_key(call, key);
  return kOk;
}

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const KeyTypeRow& row : key_types()) names.emplace_back(row.name);
  return names;
}

}  // namespace

void add_key(CLI::App& app, Action& chosen) {
  CLI::App* key = app.add_subcommand("key", "Create, list, rotate keys and change their states");
  key->require_subcommand(1)->fallthrough();
  key->footer(
      "Changing keys takes the role key-admin; looking takes any admin role.\n\n"
      "Examples:\n"
      "  nae key create customer-pii --type aes-256-gcm\n"
      "  nae key rotate customer-pii\n"
      "  nae key states customer-pii --version 1 --set restricted");

  auto [create_leaf, create_options] =
      add_leaf<CreateOptions>(*key, "create", "Generate a key inside the HSM", chosen, create);
  create_leaf->add_option("NAME", create_options->name, "Name of the new key")->required();
  create_leaf->add_option("--type", create_options->type, "Key type")
      ->required()
      ->check(CLI::IsMember(type_names()));
  create_leaf->fallthrough()->footer(
      "aes-256-gcm  randomized encryption: the usual choice\n"
      "aes-256-siv  deterministic encryption: equal values give equal ciphertexts\n"
      "hmac-sha-256 message authentication codes and blind indexes\n"
      "hmac-sha-256-raw  plain HMACs under the key itself, exchanged with others\n"
      "rsa-*, ecdsa-*, ed25519  signatures\n\n"
      "Examples:\n"
      "  nae key create customer-pii --type aes-256-gcm\n"
      "  nae key create contracts --type ecdsa-p256");

  add_leaf<NoOptions>(*key, "list", "List all keys", chosen, list)
      .first->fallthrough()
      ->footer("Examples:\n  nae key list\n  nae key list --json");

  auto [show_leaf, show_options] = add_leaf<NameOptions>(
      *key, "show", "Show one key, its versions and public keys", chosen, show);
  show_leaf->add_option("NAME", show_options->name, "Name of the key")->required();
  show_leaf->fallthrough()->footer("Example:\n  nae key show contracts");

  auto [rotate_leaf, rotate_options] = add_leaf<NameOptions>(
      *key, "rotate", "Add a new version; older ones go on decrypting", chosen, rotate);
  rotate_leaf->add_option("NAME", rotate_options->name, "Name of the key")->required();
  rotate_leaf->fallthrough()->footer(
      "New values are encrypted under the new version at once. Old values stay readable; move\n"
      "them with nae_rewrap() in SQL.\n\n"
      "Example:\n  nae key rotate customer-pii");

  auto [states_leaf, states_options] = add_leaf<StatesOptions>(
      *key, "states", "Show the states of a key's versions, or change one", chosen, states);
  states_leaf->add_option("NAME", states_options->name, "Name of the key")->required();
  CLI::Option* version =
      states_leaf->add_option("--version", states_options->version, "Version to change")
          ->check(CLI::Range(1u, 65535u));
  CLI::Option* set = states_leaf->add_option("--set", states_options->state, "Its new state")
                         ->check(CLI::IsMember({"active", "restricted", "retired", "destroyed"}));
  version->needs(set);
  set->needs(version);
  states_leaf->fallthrough()->footer(
      "active      everything the key's type and the policy allow; only from pre-active\n"
      "restricted  decrypt, verify and mac-verify only; never active again, rotate instead\n"
      "retired     nothing, until set to restricted again\n"
      "destroyed   nothing, ever: the material is erased; only from retired or pre-active\n\n"
      "The change is in force on every connection when the command returns.\n\n"
      "Examples:\n"
      "  nae key states customer-pii\n"
      "  nae key states customer-pii --version 1 --set retired");
  add_key_import(*key, chosen);
  add_key_export(*key, chosen);
}

}  // namespace nae::cli
