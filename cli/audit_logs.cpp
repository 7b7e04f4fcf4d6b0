#include "cli/audit_logs.hpp"

#include <algorithm>
#include <map>
#include <ostream>

#include "libnae/base/text.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr std::string_view kScheme = "https://";

tl::unexpected<Failure> invalid(std::string message, std::string hint = {}) {
  return tl::unexpected<Failure>(
      Error(Code::invalid_argument, std::move(message), std::move(hint)));
}

bool is_named(const std::string& text) {
  return named_text(text).has_value();
}

// Where a configuration has it listen need not be where it is reached.
bool is_reachable(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  return !host.empty() && host != "0.0.0.0" && host != "::" && host != "[::]" && host != "*";
}

Outcome<void> add_given(std::vector<NodeLog>& logs, const std::vector<std::string>& texts,
                        std::string NodeLog::*member, const char* option) {
  for (const std::string& text : texts) {
    const auto named = named_text(text);
    if (!named) return invalid(std::string(option) + " " + text + " has no name of a node");
    if (std::ranges::find(logs, named->name, &NodeLog::node) != logs.end())
      return invalid("node " + named->name + " is given twice");
    NodeLog& log = logs.emplace_back();
    log.node = named->name;
    log.*member = named->text;
  }
  return {};
}

std::optional<audit::ChainPoint> head_of(const json::value& node) {
  const auto hash = from_hex(shown(node, "audit_hash"));
  const json::value* seq = node.as_object().if_contains("audit_seq");
  boost::system::error_code none;
  audit::ChainPoint head;
  if (seq) head.seq = seq->to_number<std::uint64_t>(none);
  if (!seq || none || head.seq == 0 || !hash || hash->size() != head.hash.size())
    return std::nullopt;
  std::ranges::copy(*hash, head.hash.begin());
  return head;
}

Outcome<void> add_group(Call& call, std::vector<NodeLog>& logs) {
  NAE_ANSWER(auto server, call.server());
  NAE_ANSWER(const json::value answer, server->call("GET", "/v1/nodes"));
  std::vector<std::string> known;
  for (const json::value& node : items(answer, "nodes")) {
    if (!node.is_object()) continue;
    const std::string name = known.emplace_back(shown(node, "name"));
    auto log = std::ranges::find(logs, name, &NodeLog::node);
    if (log == logs.end()) {
      logs.emplace_back().node = name;
      log = std::prev(logs.end());
      log->address = shown(node, "address");
    }
    log->head = head_of(node);
  }
  for (const NodeLog& log : logs)
    if (std::ranges::find(known, log.node) == known.end())
      return invalid("the group has no node " + log.node, "See 'nae node list'.");
  return {};
}

Outcome<void> open_server(Call& call, NodeLog& log) {
  if (!is_reachable(log.address)) {
    log.unread = Failure(Error(
        Code::server_unavailable,
        "its configuration listens at \"" + log.address + "\", which is not where it is reached",
        "Say where: --node " + log.node +
            "=HOST:PORT, or give a copy of "
            "its log: --directory " +
            log.node + "=DIR"));
    return {};
  }
  NAE_ASSIGN(Profile profile, resolve_profile(call.profile));
  log.address = url_of(std::move(log.address));
  profile.server = log.address;
  NAE_ANSWER(log.server, Server::open(profile));
  return {};
}

Outcome<void> refuse_one_place_for_two(const std::vector<NodeLog>& logs) {
  std::map<std::string, std::string> node_at;
  for (const NodeLog& log : logs) {
    const bool asked = log.directory.empty();
    if (asked && !is_reachable(log.address)) continue;
    const std::string place = asked ? url_of(log.address) : log.directory;
    const auto [other, added] = node_at.emplace(place, log.node);
    if (!added)
      return invalid(other->second + " and " + log.node + " are both at " + place,
                     "Say where each is reached: --node NAME=HOST:PORT");
  }
  return {};
}

void tell_unread(Call& call, const NodeLog& log) {
  const Error& error = log.unread->error;
  call.err << "nae: THE LOG OF " << printable(log.node)
           << " WAS NOT READ: " << printable(error.message) << " (" << name(error.code) << ")\n";
  if (!error.hint_or_default().empty())
    call.err << "hint: " << printable(error.hint_or_default()) << '\n';
}

}  // namespace

bool LogsOptions::is_one() const {
  return !group && nodes.empty() && directories.size() <= 1 &&
         std::ranges::none_of(directories, is_named);
}

void add_logs(CLI::App& leaf, LogsOptions& options) {
  leaf.add_option("--directory", options.directories,
                  "This copy of a log, offline; of several: NAME=DIR for each node")
      ->allow_extra_args(false);
  leaf.add_flag("--group", options.group, "The logs of all key servers of the group");
  leaf.add_option(
          "--node", options.nodes,
          "NAME=HOST:PORT: the log of this key server, or where one of the group is reached")
      ->allow_extra_args(false);
}

std::optional<NamedText> named_text(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at + 1 == text.size() || !is_name(text.substr(0, at)))
    return std::nullopt;
  return NamedText{text.substr(0, at), text.substr(at + 1)};
}

Outcome<std::vector<NodeLog>> open_logs(Call& call, const LogsOptions& options) {
  std::vector<NodeLog> logs;
  NAE_TRY_OUTCOME(add_given(logs, options.directories, &NodeLog::directory, "--directory"));
  NAE_TRY_OUTCOME(add_given(logs, options.nodes, &NodeLog::address, "--node"));
  if (call.shared && (options.group || !options.nodes.empty()))
    return invalid("a batch has one key server: --group and --node do not go with it");
  if (options.group) NAE_TRY_OUTCOME(add_group(call, logs));
  std::ranges::sort(logs, {}, &NodeLog::node);
  NAE_TRY_OUTCOME(refuse_one_place_for_two(logs));
  for (NodeLog& log : logs) {
    if (log.directory.empty()) NAE_TRY_OUTCOME(open_server(call, log));
    if (log.server) check_node(log);
    if (log.unread) tell_unread(call, log);
  }
  return logs;
}

std::string url_of(std::string address) {
  if (address.starts_with(kScheme)) return address;
  const std::size_t port = address.rfind(':');
  if (port != std::string::npos && !address.starts_with('[') && address.find(':') != port)
    address = "[" + address.substr(0, port) + "]" + address.substr(port);
  return std::string(kScheme) + address;
}

void check_node(NodeLog& log) {
  const auto status = log.server->call("GET", "/v1/status");
  if (!status) {
    log.unread = status.error();
    return;
  }
  const std::string node = shown(*status, "node");
  if (node == log.node) return;
  log.unread = Failure(
      Error(Code::server_unavailable,
            node.empty() ? "the key server at " + log.address + " does not say which node it is"
                         : "the key server at " + log.address + " is " + node,
            "Say where it is reached itself, past any balancer: --node " + log.node +
                "=HOST:PORT, or give a copy of its log: --directory " + log.node + "=DIR"));
}

void ask_each(Call& call, std::vector<NodeLog>& logs,
              const std::function<Outcome<json::value>(NodeLog&)>& read,
              const std::function<void(NodeLog&, json::value&)>& take) {
  for (NodeLog& log : logs) {
    if (log.unread) continue;
    auto answer = read(log);
    if (answer) {
      take(log, *answer);
    } else {
      log.unread = std::move(answer.error());
      tell_unread(call, log);
    }
  }
}

json::array describe_logs(const std::vector<NodeLog>& logs) {
  json::array described;
  for (const NodeLog& log : logs) {
    json::object one{{"node", log.node}, {"source", log.source()}, {"read", !log.unread}};
    if (log.unread) one["problem"] = log.unread->error.message;
    described.push_back(std::move(one));
  }
  return described;
}

ExitCode reading_exit_code(const std::vector<NodeLog>& logs) {
  const auto unread =
      std::ranges::find_if(logs, [](const NodeLog& log) { return log.unread.has_value(); });
  return unread == logs.end() ? kOk : exit_code(unread->unread->error, unread->unread->from_server);
}

}  // namespace nae::cli
