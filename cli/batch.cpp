#include "cli/batch.hpp"

#include <algorithm>
#include <istream>
#include <ostream>
#include <sstream>
#include <utility>

#include "cli/command.hpp"

namespace nae::cli {
namespace {

constexpr std::size_t kMaxLineBytes = 64u << 10;

class BorrowedServer final : public Server {
 public:
  explicit BorrowedServer(Server& server) : server_(server) {}
  Outcome<json::value> call(const char* method, const std::string& path,
                            const json::object& body) override {
    return server_.call(method, path, body);
  }
  const std::filesystem::path& authority() const override { return server_.authority(); }

 private:
  Server& server_;
};

json::value json_or_text(const std::string& text) {
  boost::system::error_code malformed;
  json::value value = json::parse(text, malformed);
  return malformed ? json::value(text) : value;
}

Result<std::vector<std::string>> command_of(const std::string& line) {
  if (line.size() > kMaxLineBytes)
    return fail(Code::invalid_argument, "the line is longer than 65536 bytes");
  NAE_ASSIGN(std::vector<std::string> words, split_words(line));
  if (!words.empty() && words.front() == "nae") words.erase(words.begin());
  if (!words.empty() && words.front() == "batch")
    return fail(Code::invalid_argument, "a batch runs no batch");
  if (std::find(words.begin(), words.end(), "-") != words.end())
    return fail(Code::invalid_argument, "standard input is the batch's own",
                "Name a file in place of -.");
  return words;
}

// The object of one line. What a command says of an error is one too: run() sees to that.
json::object line_object(std::size_t number, int code, const std::string& out,
                         const std::string& err) {
  json::object object{{"line", number}, {"exit", code}};
  if (!out.empty()) object["answer"] = json_or_text(out);
  if (err.empty()) return object;
  const json::value error = json_or_text(err);
  const json::value* inner = error.is_object() ? error.get_object().if_contains("error") : nullptr;
  object["error"] = inner ? *inner : error;
  return object;
}

void report(std::ostream& err, const Error& error, bool as_json) {
  if (as_json)
    err << json::serialize(json::object{{"error",
                                         {{"code", row(error.code).sqlstate},
                                          {"name", name(error.code)},
                                          {"message", error.message},
                                          {"hint", error.hint_or_default()}}}});
  else
    err << "nae: " << error.message << '\n';
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool escapes = c == '\\' && quote != '\'' && i + 1 < line.size() &&
                         (quote == 0 || line[i + 1] == '"' || line[i + 1] == '\\');
    if (escapes) {
      word += line[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      if (std::exchange(in_word, false)) words.push_back(std::exchange(word, {}));
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return fail(Code::invalid_argument, "a quote does not end");
  if (in_word) words.push_back(std::move(word));
  return words;
}

ExitCode run_batch(std::istream& in, const BatchOutput& output, const RunLine& run_line) {
  int first_failure = kOk;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string::npos || line[start] == '#') continue;
    std::ostringstream out, err;
    int code = kUsage;
    if (auto words = command_of(line))
      code = run_line(*std::move(words), out, err);
    else
      report(err, words.error(), output.json);
    if (output.json) {
      output.out << json::serialize(line_object(number, code, out.str(), err.str())) << '\n';
    } else {
      output.out << out.str();
      if (!err.str().empty()) output.err << "line " << number << ": " << err.str();
    }
    output.out.flush();
    if (first_failure == kOk) first_failure = code;
    if (!output.out || (output.stop && code != kOk)) break;
  }
  return static_cast<ExitCode>(first_failure);
}

std::unique_ptr<Server> borrowed(Server& server) {
  return std::make_unique<BorrowedServer>(server);
}

namespace {

struct BatchOptions {
  bool stop = false;
};

Outcome<ExitCode> batch(Call& call, const BatchOptions& options) {
  NAE_ANSWER(const auto server, call.server());
  const BatchOutput output{call.out, call.err, call.json, options.stop};
  const RunLine run_line = [&](std::vector<std::string> words, std::ostream& out,
                               std::ostream& err) {
    return call.run_line(std::move(words), out, err, *server, call.json);
  };
  return run_batch(*call.input, output, run_line);
}

}  // namespace

void add_batch(CLI::App& app, Action& chosen) {
  auto [leaf, options] = add_leaf<BatchOptions>(
      app, "batch", "Run commands from standard input, a line each, over one connection", chosen,
      batch);
  leaf->add_flag("--stop", options->stop, "End at the first line that fails");
  leaf->fallthrough()->footer(
      "A line is a command as it would stand behind 'nae', with quotes as in a shell; empty lines "
      "and\nthose that begin with # are passed over. All lines use the profile of the batch. An "
      "error names\nits line, and the next line runs; the exit code is that of the first that "
      "failed. With --json\neach line is answered by one object: line, exit, and answer or error; "
      "a change that may not\nbe in force on every key server of the group yet has both. Nothing "
      "is asked: give --yes\nwhere a command wants it.\n\n"
      "Examples:\n"
      "  printf 'key show %s\\n' customer-pii customer-ssn | nae batch --json\n"
      "  nae batch --stop <commands.txt");
}

}  // namespace nae::cli
