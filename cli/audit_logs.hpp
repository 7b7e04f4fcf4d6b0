// The logs of a group: one for each key server, which is asked, or a copy of which is read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "keyserver/audit/chain.hpp"

namespace nae::cli {

struct LogsOptions {
  bool group = false;                    // all nodes that the server's store knows
  std::vector<std::string> nodes;        // "NAME=HOST:PORT"
  std::vector<std::string> directories;  // "DIR" of the one log, or "NAME=DIR"

  // One log, as it always was.
  bool is_one() const;
  // Of one log: "" when the server is asked.
  std::string directory() const {
    return directories.empty() ? std::string() : directories.front();
  }
};
void add_logs(CLI::App& leaf, LogsOptions& options);

struct NamedText {
  std::string name, text;
};
// Of "NAME=TEXT"; nothing when there is no name before a first '='.
std::optional<NamedText> named_text(const std::string& text);

struct NodeLog {
  std::string node;
  std::string directory = {};                  // of a copy; empty: the server is asked
  std::string address = {};                    // "https://10.0.0.1:7443"
  std::unique_ptr<Server> server = {};         // of that address
  std::optional<audit::ChainPoint> head = {};  // the newest, as the store has it
  std::optional<Failure> unread = {};          // why it could not be read
  // Up to which record, from the first one on, it was proved by a signature; nothing: its public
  // key is not known.
  std::optional<std::uint64_t> signed_seq = {};
  const std::string& source() const { return directory.empty() ? address : directory; }
};

// By name; those that cannot even be asked are there as well, as unread. Code::invalid_argument for
// names that the group has not, or that come twice.
Outcome<std::vector<NodeLog>> open_logs(Call& call, const LogsOptions& options);

// Where the server of that address is asked; of an IPv6 address also without its brackets.
std::string url_of(std::string address);
// Asks the server which node it is: another one makes the log an unread one. A balancer, or one
// address for several, would have one log read twice and others left out.
void check_node(NodeLog& log);

// Calls `read` for each log that was read so far; what it fails with is said on standard error at
// once, and makes the log an unread one.
void ask_each(Call& call, std::vector<NodeLog>& logs,
              const std::function<Outcome<json::value>(NodeLog&)>& read,
              const std::function<void(NodeLog&, json::value&)>& take);

// [{"node", "source", "read", "problem"}], and what `more` has of each.
json::array describe_logs(const std::vector<NodeLog>& logs);
// kOk when all were read, else what the first failure of them ends with.
ExitCode reading_exit_code(const std::vector<NodeLog>& logs);

}  // namespace nae::cli
