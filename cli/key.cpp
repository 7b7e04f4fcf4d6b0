// nae key create | set | list | show
#include <ostream>

#include "cli/key_answer.hpp"
#include "cli/local_time.hpp"
#include "cli/moment.hpp"
#include "cli/table.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/text.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct CreateOptions {
  std::string name, type, activate_at, protection;
  AttributeOptions attributes;
};
Outcome<ExitCode> create(Call& call, const CreateOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  json::object body{{"name", name}, {"type", options.type}};
  if (!options.activate_at.empty()) {
    NAE_ASSIGN(body["activate_at"], utc_of(options.activate_at));
  }
  if (!options.protection.empty()) body["protection"] = options.protection;
  if (auto written = options.attributes.write(body); !written)
    return tl::unexpected<Failure>(written.error());
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value key, server->call("POST", "/v1/keys", body));
  show_key(call, key);
  return kOk;
}

struct SetOptions {
  std::string name;
  AttributeOptions attributes;
};
Outcome<ExitCode> set(Call& call, const SetOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  json::object body;
  if (auto written = options.attributes.write(body); !written)
    return tl::unexpected<Failure>(written.error());
  if (body.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "nothing is to be set", "Give one of the options."));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value key, server->call("PATCH", "/v1/keys/" + name, body));
  show_key(call, key);
  return kOk;
}

constexpr std::uint64_t kKeysOnAPage = 1000;  // the server's most

struct ListOptions {
  std::string owner, label, after;
  std::uint64_t limit = 0;
};
Outcome<ExitCode> list(Call& call, const ListOptions& options) {
  NAE_ANSWER(auto server, call.server());
  json::array keys;
  std::string after = options.after;
  bool more = true;
  while (more && (options.limit == 0 || keys.size() < options.limit)) {
    std::uint64_t wanted = kKeysOnAPage;
    if (options.limit != 0) wanted = std::min(wanted, options.limit - keys.size());
    NAE_ANSWER(json::value page,
               server->call("GET", with_parameters("/v1/keys", {{"after", after},
                                                                {"limit", std::to_string(wanted)},
                                                                {"owner", options.owner},
                                                                {"label", options.label}})));
    for (const json::value& key : items(page, "keys")) keys.push_back(key);
    after = shown(page, "next_after");
    more = !after.empty();
  }
  json::value answer = json::object{{"keys", std::move(keys)}, {"truncated", more}};
  call.show(answer, [&] {
    Table table({"NAME", "TYPE", "ID", "VERSIONS", "PRIMARY", zoned("CREATED"), "OWNER"});
    for (const json::value& key : items(answer, "keys"))
      table.add({shown(key, "name"), shown(key, "type"), shown(key, "id"), shown(key, "versions"),
                 shown(key, "primary_version").empty() ? "none" : shown(key, "primary_version"),
                 local_time(shown(key, "created_at")), shown(key, "owner")});
    if (table.empty())
      call.out << "No such keys; make one with: nae key create NAME --type aes-256-gcm\n";
    else
      call.print(table, {"ID", "VERSIONS", "OWNER"});
    if (more) call.out << "(There are more: --after " << printable(after) << ".)\n";
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

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const KeyTypeRow& row : key_types()) names.emplace_back(row.name);
  return names;
}

void add_create(CLI::App& key, Action& chosen) {
  auto [leaf, options] =
      add_leaf<CreateOptions>(key, "create", "Generate a key inside the HSM", chosen, create);
  leaf->add_option("NAME", options->name, "Name of the new key")->required();
  leaf->add_option("--type", options->type, "Key type")
      ->required()
      ->check(CLI::IsMember(type_names()));
  leaf->add_option("--activate-at", options->activate_at,
                   "Pre-active until then: 2026-12-31, \"in 2 days\", 2026-12-31T00:00Z");
  leaf->add_option("--protection", options->protection,
                   "Where the secret may be: wrapped in the store, or in the HSM only")
      ->check(CLI::IsMember({"wrapped", "hsm-only"}));
  add_attribute_options(*leaf, options->attributes);
  leaf->fallthrough()->footer(
      "aes-256-gcm  randomized encryption: the usual choice\n"
      "aes-256-siv  deterministic encryption: equal values give equal ciphertexts\n"
      "aes-256-raw  AES by the mode and IV that a program names, in the HSM only\n"
      "hmac-sha-256 message authentication codes and blind indexes\n"
      "rsa-*, ecdsa-*, ed25519  signatures\n\n"
      "Examples:\n"
      "  nae key create customer-pii --type aes-256-gcm --owner crm --label env=production \\\n"
      "    --rotate-after-days 365\n"
      "  nae key create contracts --type rsa-3072 --allow-algorithm rsa-pss-sha256 \\\n"
      "    --activate-at 2027-01-01");
}

void add_set(CLI::App& key, Action& chosen) {
  auto [leaf, options] = add_leaf<SetOptions>(key, "set", "Change a key's attributes", chosen, set);
  AttributeOptions& attributes = options->attributes;
  leaf->add_option("NAME", options->name, "Name of the key")->required();
  add_attribute_options(*leaf, attributes);
  leaf->add_option("--remove-label", attributes.remove_labels,
                   "Name of a label to take away; repeatable");
  leaf->add_flag("--allow-all-actions", attributes.all_actions, "Allow whatever the type has")
      ->excludes(leaf->get_option("--allow-action"));
  leaf->add_flag("--allow-all-algorithms", attributes.all_algorithms,
                 "Allow whatever fits, but rsa-pkcs1 to decrypt by")
      ->excludes(leaf->get_option("--allow-algorithm"));
  leaf->fallthrough()->footer(
      "What is not named stays as it is. A change is in force on every connection when the\n"
      "command returns; what a key does not allow is refused whatever the policy says.\n\n"
      "Examples:\n"
      "  nae key set customer-pii --label tier=1 --remove-label draft\n"
      "  nae key set old-archive --allow-action decrypt");
}

void add_list(CLI::App& key, Action& chosen) {
  auto [leaf, options] = add_leaf<ListOptions>(key, "list", "List keys by name", chosen, list);
  leaf->add_option("--owner", options->owner, "Only keys of this owner");
  leaf->add_option("--label", options->label, "Only keys with this label: NAME or NAME=VALUE");
  leaf->add_option("--after", options->after, "Only names that follow this one");
  leaf->add_option("--limit", options->limit, "At most so many; default: all");
  leaf->fallthrough()->footer(
      "Examples:\n  nae key list --label env=production\n"
      "  nae key list --after customer-pii --limit 100 --json");
}

}  // namespace

void add_key(CLI::App& app, Action& chosen) {
  CLI::App* key = app.add_subcommand("key", "Create, list, rotate keys and change their states");
  key->require_subcommand(1)->fallthrough();
  key->footer(
      "Changing keys takes the role key-admin; looking takes any admin role.\n\n"
      "The life of a version: create or rotate, (activate), restrict, retire, destroy; restore\n"
      "and cancel-destroy go back as long as there is a way.\n\n"
      "Examples:\n"
      "  nae key create customer-pii --type aes-256-gcm\n"
      "  nae key rotate customer-pii\n"
      "  nae key restrict customer-pii 1");
  add_create(*key, chosen);
  add_set(*key, chosen);
  add_list(*key, chosen);

  auto [show_leaf, show_options] = add_leaf<NameOptions>(
      *key, "show", "Show one key, its attributes, versions and public keys", chosen, show);
  show_leaf->add_option("NAME", show_options->name, "Name of the key")->required();
  show_leaf->fallthrough()->footer("Example:\n  nae key show contracts");

  add_key_rotate(*key, chosen);
  add_key_states(*key, chosen);
  add_key_import(*key, chosen);
  add_key_wrap(*key, chosen);
  add_key_export(*key, chosen);
  add_key_certificate(*key, chosen);
}

}  // namespace nae::cli
