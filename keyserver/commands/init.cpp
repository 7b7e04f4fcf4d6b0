#include <cstdio>
#include <iostream>
#include <memory>

#include "keyserver/commands/cards.hpp"
#include "keyserver/commands/configuration.hpp"
#include "keyserver/server/owner.hpp"
#include "keyserver/server/starter.hpp"

namespace nae::commands {
namespace {

struct InitOptions {
  setup::Choices choices;
  std::string listen = "127.0.0.1:7443";
  CustodianOptions custodians;
};

int init(InitOptions& options) {
  setup::Choices& choices = options.choices;
  if (!setup::set_listen(options.listen, choices)) {
    (void)std::fprintf(stderr, "nae-keyserver: --listen must be HOST:PORT\n");
    return kUsage;
  }
  // Before anything is made that a start at this address would be refused for.
  if (auto checked = server::check_address(choices.host); !checked) return report(checked.error());
  if (!options.custodians.choose(choices.custody)) return kUsage;
  if (auto checked = server::check_owner(choices.directory); !checked)
    return report(checked.error());
  auto heap = crypto::SecureHeap::take(kLockedBytes);
  if (!heap) return report(heap.error());
  auto made = setup::initialise(choices);
  if (!made) return report(made.error());
  std::cout << setup::report_of(choices, *made);
  return told();
}

}  // namespace

void add_init(CLI::App& app, Commands& commands) {
  auto options = std::make_shared<InitOptions>();
  setup::Choices& choices = options->choices;
  choices.node = "ks1";
  CLI::App* command = app.add_subcommand(
      "init", "Make HSM token, group key, authority, certificates, store and configuration.");
  command->add_option("--directory", choices.directory, "New or empty directory")->required();
  command->add_option("--listen", options->listen, "Address to serve on; port 0 takes a free one")
      ->capture_default_str();
  command->add_option("--name", choices.names,
                      "DNS name or address that agents call the server by; repeatable");
  command->add_option("--admin", choices.admin, "Name of the first administrator")
      ->capture_default_str();
  command->add_option("--module", choices.module, "PKCS#11 library of the HSM")
      ->capture_default_str();
  command->add_option("--module-parameters", choices.module_parameters,
                      "What the library is told when it is initialised; most take nothing");
  command->add_option("--token-label", choices.token_label, "Label of the HSM token")
      ->capture_default_str();
  command->add_option("--pin-file", choices.pin_file,
                      "User PIN of an existing token; without it SoftHSM2 gets a new one");
  command->add_option("--store", choices.store_url,
                      "postgresql://... to keep the store in; without it a file of SQLite");
  command->add_option("--node", choices.node, "Name of this key server among those of that store")
      ->capture_default_str();
  options->custodians.add_to(*command);
  commands.push_back({command, [options] { return init(*options); }});
}

}  // namespace nae::commands
