// nae node list | fence | allow | remove
#include <ostream>

#include "cli/command.hpp"
#include "cli/confirmation.hpp"
#include "cli/table.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

Outcome<ExitCode> list_nodes(Call& call, const NoOptions&) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer, server->call("GET", "/v1/nodes"));
  call.show(answer, [&] {
    Table table({"NAME", "STATE", "FENCED", "SOFTWARE", "ADDRESS", "HEARD S AGO", "CHANGE"});
    for (const json::value& node : items(answer, "nodes"))
      table.add({shown(node, "name"), shown(node, "state"), printable(shown(node, "fenced")),
                 printable(shown(node, "software")), printable(shown(node, "address")),
                 shown(node, "heard_seconds_ago"), shown(node, "newest_change")});
    call.print(table, {"SOFTWARE", "ADDRESS"});
  });
  return kOk;
}

struct NodeOptions {
  std::string name, reason;
  bool yes = false;
};

Outcome<ExitCode> fence(Call& call, const NodeOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_TRY_OUTCOME(confirmed(call, options.yes,
                            "Node " + name +
                                " does not take the lease of the store any more; if it is in "
                                "charge, it ends and another one takes over."));
  NAE_ANSWER(json::value answer,
             server->call("POST", "/v1/nodes/" + name + "/fence", {{"reason", options.reason}}));
  call.show(answer, [&] {
    call.out << "Node " << name << " is fenced: it waits until\n  nae node allow " << name << '\n';
  });
  return kOk;
}

Outcome<ExitCode> allow(Call& call, const NodeOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(json::value answer,
             server->call("POST", "/v1/nodes/" + name + "/allow", {{"reason", options.reason}}));
  call.show(answer, [&] { call.out << "Node " << name << " may take the lease again.\n"; });
  return kOk;
}

Outcome<ExitCode> remove(Call& call, const NodeOptions& options) {
  NAE_ANSWER(std::string name, checked_name(options.name));
  NAE_ANSWER(auto server, call.server());
  NAE_TRY_OUTCOME(confirmed(
      call, options.yes,
      "Node " + name + " is not listed any more. Who comes back under its name is fenced."));
  NAE_ANSWER(json::value answer,
             server->call("POST", "/v1/nodes/" + name + "/remove", {{"reason", options.reason}}));
  call.show(answer, [&] {
    call.out << "Node " << name
             << " is removed; to take one of this name in again\n  nae node allow " << name << '\n';
  });
  return kOk;
}

}  // namespace

void add_node(CLI::App& app, Action& chosen) {
  CLI::App* node = app.add_subcommand("node", "The key servers of a group");
  node->require_subcommand(1)->fallthrough();
  add_leaf<NoOptions>(*node, "list", "List the key servers on the store", chosen, list_nodes)
      .first->fallthrough()
      ->footer(
          "Takes any admin role. States: in-charge, waiting, left (it said that it ended), silent\n"
          "(it was not heard of for the time of a lease).\n\n"
          "Example:\n  nae node list");
  auto [fence_leaf, fenced] = add_leaf<NodeOptions>(
      *node, "fence", "Keep a key server from being in charge", chosen, fence);
  fence_leaf->add_option("NAME", fenced->name, "Name of the node")->required();
  fence_leaf->add_option("--reason", fenced->reason, "Recorded in the audit log")->required();
  add_yes(*fence_leaf, fenced->yes);
  fence_leaf->fallthrough()->footer(
      "Takes the role operator. One that is in charge ends at its next renewal, and the next one\n"
      "takes over when its lease is over.\n\n"
      "Example:\n  nae node fence ks2 --reason 'its disk fails'");
  auto [allow_leaf, allowed] =
      add_leaf<NodeOptions>(*node, "allow", "Let a fenced key server in again", chosen, allow);
  allow_leaf->add_option("NAME", allowed->name, "Name of the node")->required();
  allow_leaf->add_option("--reason", allowed->reason, "Recorded in the audit log")->required();
  allow_leaf->fallthrough()->footer(
      "Takes the role operator.\n\n"
      "Example:\n  nae node allow ks2 --reason 'it has a new disk'");
  auto [remove_leaf, removed] = add_leaf<NodeOptions>(
      *node, "remove", "Forget a key server that is gone for ever", chosen, remove);
  remove_leaf->add_option("NAME", removed->name, "Name of the node")->required();
  remove_leaf->add_option("--reason", removed->reason, "Recorded in the audit log")->required();
  add_yes(*remove_leaf, removed->yes);
  remove_leaf->fallthrough()->footer(
      "Takes the role operator. Of one that has left, or that is fenced and not heard of any "
      "more.\n\n"
      "Example:\n  nae node remove ks2 --reason 'its machine is scrapped'");
}

}  // namespace nae::cli
