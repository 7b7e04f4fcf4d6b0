// nae audit export: all matching records, page by page, so that neither side holds the whole log.
#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <ostream>

#include "cli/audit_commands.hpp"
#include "cli/progress.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr const char* kPageRecords = "10000";

constexpr const char* kColumns[] = {"seq",
                                    "time",
                                    "event",
                                    "device",
                                    "program",
                                    "database",
                                    "role",
                                    "session_role",
                                    "login_role",
                                    "client_address",
                                    "application_name",
                                    "user_issuer",
                                    "user",
                                    "action",
                                    "key",
                                    "key_version",
                                    "items",
                                    "failed_items",
                                    "verdict",
                                    "reason",
                                    "rule",
                                    "membership",
                                    "query_id",
                                    "repeated",
                                    "admin",
                                    "target",
                                    "detail",
                                    "digest",
                                    "hash"};

struct ExportOptions {
  FilterOptions filter;
  std::string format = "jsonl", directory;
};

// RFC 4180, all texts quoted. A text that a spreadsheet would take for a formula gets an apostrophe
// in front: askers choose some of these texts, and an auditor opens the file.
std::string csv_cell(const std::string& text) {
  constexpr std::string_view kFormula = "=+-@\t\r";
  std::string cell = "\"";
  if (!text.empty() && kFormula.find(text.front()) != std::string_view::npos) cell += '\'';
  // As the log writes them: no cell of one line becomes two, and no terminal acts on it.
  for (char c : without_controls(text)) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

Result<void> write_csv(std::ostream& out, const std::string& line) {
  NAE_ASSIGN(json::object object, admin::api::parse_object(line));
  const json::value record(std::move(object));
  const char* separator = "";
  for (const char* column : kColumns) {
    out << separator << csv_cell(shown(record, column));
    separator = ",";
  }
  out << "\r\n";
  return {};
}

Result<void> write_line(Call& call, const ExportOptions& options, const std::string& line) {
  if (options.format == "csv") return write_csv(call.out, line);
  call.out << line << '\n';
  return {};
}

Outcome<ExitCode> from_directory(Call& call, const ExportOptions& options) {
  NAE_ASSIGN(audit::Filter filter, filter_of(options.filter));
  Result<void> written;
  NAE_TRY(audit::scan(options.directory, filter, [&](audit::StoredRecord&& record) {
    written = write_line(call, options, record.line);
    return written && call.out.good();
  }));
  NAE_TRY(std::move(written));
  NAE_ASSIGN(const json::object state, with_state({}, options.directory));
  warn_of_state(call, state);
  return kOk;
}

// 0 of anything else than a sequence number.
std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::uint64_t seq_of(const json::value& line) {
  auto object = line.is_string() ? admin::api::parse_object(std::string(line.get_string()))
                                 : Result<json::object>(json::object());
  return object ? number(shown(json::value(*std::move(object)), "seq")) : 0;
}

// Where the log ends, as far as `filter` goes. Asked only for who waits: it is a record of its own.
Outcome<std::uint64_t> newest_seq(Server& server, const FilterOptions& filter) {
  NAE_ANSWER(json::value answer, server.call("GET", filter_parameters("/v1/audit", filter, "1")));
  std::uint64_t newest = 0;
  for (const json::value& record : items(answer, "records"))
    newest = std::max(newest, number(shown(record, "seq")));
  return newest;
}

Outcome<ExitCode> from_server(Call& call, const ExportOptions& options) {
  NAE_ASSIGN(const FilterOptions filter, in_utc(options.filter));
  NAE_ANSWER(auto server, call.server());
  std::uint64_t newest = 0, first = 0;
  if (Progress::is_wanted()) {
    NAE_ANSWER(newest, newest_seq(*server, filter));
  }
  std::optional<Progress> progress;
  for (std::string after = "0"; !after.empty() && call.out.good();) {
    NAE_ANSWER(json::value page, server->call("GET", filter_parameters("/v1/audit/export", filter,
                                                                       kPageRecords, after)));
    const json::array& lines = items(page, "lines");
    if (newest > 0 && !progress && !lines.empty()) {
      first = seq_of(lines.front());
      progress.emplace(call.err, "records", newest > first ? newest - first + 1 : 0, true);
    }
    for (const json::value& line : lines)
      if (line.is_string()) NAE_TRY(write_line(call, options, std::string(line.get_string())));
    after = shown(page, "next");
    if (progress && number(after) >= first) progress->at(number(after) - first + 1);
    if (!after.empty()) continue;
    progress.reset();
    warn_of_state(call, page);
  }
  return kOk;
}

Outcome<ExitCode> export_records(Call& call, const ExportOptions& options) {
  if (options.format == "csv") {
    const char* separator = "";
    for (const char* column : kColumns) {
      call.out << separator << column;
      separator = ",";
    }
    call.out << "\r\n";
  }
  return options.directory.empty() ? from_server(call, options) : from_directory(call, options);
}

}  // namespace

void add_audit_export(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<ExportOptions>(
      audit, "export", "Write all matching records to standard output", chosen, export_records);
  leaf->add_option("--format", options->format, "jsonl: lines as they stand in the log; csv")
      ->check(CLI::IsMember({"jsonl", "csv"}))
      ->capture_default_str();
  add_filter(*leaf, options->filter);
  leaf->add_option("--directory", options->directory, "Read this copy of a log, offline");
  leaf->fallthrough()->footer(
      "Oldest first. In csv a text that a spreadsheet would take for a formula begins with '.\n\n"
      "Examples:\n"
      "  nae audit export --from 2025-01-01 --to 2025-02-01 >january.jsonl\n"
      "  nae audit export --format csv --verdict deny >denied.csv");
}

}  // namespace nae::cli
