#include "cli/audit_asking.hpp"

#include "cli/audit_commands.hpp"

namespace nae::cli {
namespace {

Outcome<ExitCode> ask_several(Call& call, const LogsOptions& options, const LogQuestion& question) {
  NAE_ANSWER(auto logs, open_logs(call, options));
  std::vector<NodeAnswer> answers;
  ask_each(
      call, logs,
      [&](NodeLog& log) {
        return log.directory.empty() ? question.from_server(*log.server)
                                     : question.from_directory(log.directory);
      },
      [&](NodeLog& log, json::value& answer) {
        answers.push_back({log.node, std::move(answer)});
      });
  json::object merged = question.merge(answers);
  merged["nodes"] = describe_logs(logs);
  question.print(merged);
  for (const NodeAnswer& one : answers) warn_of_state(call, one.answer, one.node);
  return reading_exit_code(logs);
}

}  // namespace

Outcome<ExitCode> ask_logs(Call& call, const LogsOptions& logs, const LogQuestion& question) {
  if (!logs.is_one()) return ask_several(call, logs, question);
  json::value answer;
  if (logs.directories.empty()) {
    NAE_ANSWER(auto server, call.server());
    NAE_ANSWER(answer, question.from_server(*server));
  } else {
    NAE_ANSWER(answer, question.from_directory(logs.directory()));
  }
  question.print(answer);
  warn_of_state(call, answer);
  return kOk;
}

}  // namespace nae::cli
