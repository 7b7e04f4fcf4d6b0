// nae batch: many commands over one connection.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.hpp"
#include "cli/server.hpp"

namespace nae::cli {

// Words as a shell has them: separated by blanks; '...' keeps all in it, "..." all but \ before "
// and
// \, and \ keeps the next character. No variables, no patterns. Code::invalid_argument for a quote
// that does not end.
Result<std::vector<std::string>> split_words(std::string_view line);

// One line's command: answers its exit code.
using RunLine =
    std::function<int(std::vector<std::string> words, std::ostream& out, std::ostream& err)>;

struct BatchOutput {
  std::ostream& out;
  std::ostream& err;
  bool json = false;  // an object a line on `out`: line, exit, and answer or error
  bool stop = false;  // at the first line that fails
};

// Empty lines and those that begin with # are passed over. Answers kOk, or the exit code of the
// first line that failed.
ExitCode run_batch(std::istream& in, const BatchOutput& output, const RunLine& run_line);

// `server`, which outlives it, for a command that wants one of its own.
std::unique_ptr<Server> borrowed(Server& server);

}  // namespace nae::cli
