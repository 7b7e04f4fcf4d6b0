// A record of a program's log in each of the forms that it can be written in.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace nae {

enum class LogFormat { text, json, journal };
enum class LogLevel { debug, info, warning, error };

// What a configuration may say.
inline constexpr std::string_view kLogLevels[] = {"debug", "info", "warning", "error"};
inline constexpr std::string_view kLogFormats[] = {"auto", "text", "json", "journal"};

// "text", "json" or "journal"; "auto" is `journal` where standard error is the journal's
// ($JOURNAL_STREAM, systemd.exec(5)), `text` elsewhere. Nothing for any other word.
std::optional<LogFormat> log_format(std::string_view word);

// One line with its end. `message` is fields as `event=name key=value key="text"`, texts as
// quoted_text() makes them.
//   text     2026-11-29T20:15:30.123456Z level=info event=...
//   json     an object (RFC 8259): time (RFC 3339), level, program, and each field as a string; a
//            message of another form is one field `message`
//   journal  <6>event=...: the priority as sd-daemon(3) has it; the journal knows the time itself
std::string log_record(LogFormat format, std::string_view program, LogLevel level,
                       std::chrono::system_clock::time_point at, std::string_view message);

}  // namespace nae
