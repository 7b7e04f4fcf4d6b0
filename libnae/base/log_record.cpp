#include "libnae/base/log_record.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "libnae/base/log_text.hpp"

namespace nae {
namespace {

struct LevelName {
  std::string_view word;
  int priority;  // syslog(3)
};
LevelName name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return {"debug", 7};
    case LogLevel::info:
      return {"info", 6};
    case LogLevel::warning:
      return {"warning", 4};
    case LogLevel::error:
      return {"error", 3};
  }
  return {"error", 3};
}

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// The text in quotation marks at the start of `rest`, with them: its escapes are JSON's too.
std::string_view quoted_at(std::string_view rest) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\')
      ++i;
    else if (rest[i] == '"')
      return rest.substr(0, i + 1);
  }
  return {};
}

// The fields of `message` as members of a JSON object, each with a comma before it. Nothing when
// it is not made of fields.
std::optional<std::string> members_of(std::string_view message) {
  std::string members;
  while (!message.empty()) {
    std::size_t key = 0;
    while (key < message.size() && is_key_character(message[key])) ++key;
    if (key == 0 || key == message.size() || message[key] != '=') return std::nullopt;
    members += ",\"" + std::string(message.substr(0, key)) + "\":";
    message.remove_prefix(key + 1);
    std::size_t length = 0;
    if (message.starts_with('"')) {
      const std::string_view quoted = quoted_at(message);
      if (quoted.empty()) return std::nullopt;
      members += quoted;
      length = quoted.size();
    } else {
      length = std::min(message.find(' '), message.size());
      members += quoted_text(message.substr(0, length));
    }
    message.remove_prefix(length);
    if (message.empty()) break;
    if (message.front() != ' ' || message.size() == 1) return std::nullopt;
    message.remove_prefix(1);
  }
  return members;
}

std::string time_text(std::chrono::system_clock::time_point at) {
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(at - second);
  const std::time_t seconds = second.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[32] = {};
  const std::string text(date, std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts));
  return text + "." + std::to_string(1'000'000 + micros.count()).substr(1) + "Z";
}

}  // namespace

std::optional<LogFormat> log_format(std::string_view word) {
  if (word == "text") return LogFormat::text;
  if (word == "json") return LogFormat::json;
  if (word == "journal") return LogFormat::journal;
  if (word != "auto") return std::nullopt;
  const char* journal = std::getenv("JOURNAL_STREAM");
  struct stat own {};
  if (journal == nullptr || ::fstat(STDERR_FILENO, &own) != 0) return LogFormat::text;
  const std::string stream = std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
  return stream == journal ? LogFormat::journal : LogFormat::text;
}

std::string log_record(LogFormat format, std::string_view program, LogLevel level,
                       std::chrono::system_clock::time_point at, std::string_view message) {
  const LevelName name = name_of(level);
  const std::string word(name.word);
  std::string line;
  switch (format) {
    case LogFormat::text:
      line = time_text(at) + " level=" + word + ' ';
      return line.append(message) += '\n';
    case LogFormat::journal:
      line = '<' + std::to_string(name.priority) + '>';
      return line.append(message) += '\n';
    case LogFormat::json:
      break;
  }
  line = R"({"time":")" + time_text(at) + R"(","level":")" + word + R"(","program":)" +
         quoted_text(program);
  return line + members_of(message).value_or(",\"message\":" + quoted_text(message)) + "}\n";
}

}  // namespace nae
