// What commands over audit logs do alike: one log is asked, or all of a group, and the answer
// shown.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/audit_logs.hpp"
#include "cli/audit_merge.hpp"

namespace nae::cli {

struct LogQuestion {
  std::function<Outcome<json::value>(Server&)> from_server;
  std::function<Outcome<json::value>(const std::string& directory)> from_directory;
  std::function<json::object(const std::vector<NodeAnswer>&)> merge;  // of several logs
  std::function<void(const json::value&)> print;
};

// Of several logs "nodes" says which were read; the exit code is not kOk when one was not.
Outcome<ExitCode> ask_logs(Call& call, const LogsOptions& logs, const LogQuestion& question);

}  // namespace nae::cli
