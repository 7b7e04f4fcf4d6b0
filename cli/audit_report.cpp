// nae audit report
#include <ostream>

#include "cli/audit_asking.hpp"
#include "cli/audit_commands.hpp"
#include "cli/local_time.hpp"
#include "cli/moment.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/audit_report.hpp"
#include "keyserver/admin/api/time.hpp"
#include "libnae/base/clock.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

constexpr std::int64_t kDayUs = 86'400'000'000;

struct ReportOptions {
  std::string since;
  LogsOptions logs;
};

// One part of the report; columns are titles and the members they show.
void print_part(Call& call, const json::value& answer, const char* title, const char* member,
                std::vector<std::pair<const char*, const char*>> columns) {
  if (answer.as_object().contains("nodes")) columns.insert(columns.begin(), {"NODE", "node"});
  std::vector<std::string> header;
  header.reserve(columns.size());
  for (const auto& column : columns) header.emplace_back(column.first);
  Table table(std::move(header));
  for (const json::value& row : items(answer, member)) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const auto& column : columns) cells.push_back(local_time(shown(row, column.second)));
    table.add(std::move(cells));
  }
  call.out << title << '\n';
  if (table.empty())
    call.out << "  none\n";
  else
    call.print(table);
  call.out << '\n';
}

void print_report(Call& call, const json::value& answer) {
  call.out << "From " << local_time_with_zone(shown(answer, "since")) << " to "
           << local_time_with_zone(shown(answer, "until")) << "\n\n";
  print_part(call, answer, "Denials in bursts (10 or more of one kind within a minute)",
             "denied_bursts",
             {{"REQUESTS", "requests"},
              {"ROLE", "role"},
              {"DEVICE", "device"},
              {"ACTION", "action"},
              {"KEY", "key"},
              {"REASON", "reason"},
              {"FIRST", "first"},
              {"LAST", "last"}});
  print_part(call, answer, "Keys used by a role for the first time", "first_uses",
             {{"TIME", "time"},
              {"ROLE", "role"},
              {"KEY", "key"},
              {"ACTION", "action"},
              {"DEVICE", "device"}});
  print_part(call, answer, "Limits reached", "limit_breaches",
             {{"REQUESTS", "requests"},
              {"ITEMS", "items"},
              {"ROLE", "role"},
              {"KEY", "key"},
              {"ACTION", "action"},
              {"LAST", "last"}});
  print_part(call, answer, "Refused, by reason", "refusals",
             {{"REQUESTS", "requests"},
              {"ITEMS", "items"},
              {"DEVICE", "device"},
              {"ACTION", "action"},
              {"REASON", "reason"},
              {"LAST", "last"}});
  print_part(call, answer, "Values decrypted, and in as much time of the week before",
             "decrypt_volumes",
             {{"ITEMS", "items"}, {"USUAL", "usual_items"}, {"ROLE", "role"}, {"KEY", "key"}});
  if (shown(answer, "complete") != "true")
    call.out << "NOT COMPLETE: more roles, keys and reasons than are told apart.\n";
}

Outcome<json::value> from_directory(const ReportOptions& options, const std::string& directory) {
  const std::int64_t now_us = unix_time_us();
  std::int64_t since_us = now_us - kDayUs;
  if (!options.since.empty()) {
    NAE_ASSIGN(since_us, parse_moment(options.since, now_us));
  }
  NAE_ASSIGN(audit::Report made, audit::make_report(directory, since_us, now_us));
  json::object answer = admin::api::to_json(made);
  return with_state(std::move(answer), directory);
}

Outcome<json::value> from_server(Server& server, const ReportOptions& options) {
  NAE_ASSIGN(const std::string since, utc_of(options.since));
  return server.call("GET", with_parameters("/v1/audit/report", {{"since", since}}));
}

Outcome<ExitCode> report(Call& call, const ReportOptions& given) {
  ReportOptions options = given;
  if (!options.logs.is_one() && options.since.empty())  // the same moment for all
    options.since = admin::api::format_time(unix_time_us() - kDayUs);
  return ask_logs(
      call, options.logs,
      {.from_server = [&](Server& server) { return from_server(server, options); },
       .from_directory =
           [&](const std::string& directory) { return from_directory(options, directory); },
       .merge = merge_reports,
       .print =
           [&](const json::value& answer) {
             call.show(answer, [&] { print_report(call, answer); });
           }});
}

}  // namespace

void add_audit_report(CLI::App& audit, Action& chosen) {
  auto [leaf, options] = add_leaf<ReportOptions>(
      audit, "report", "Bursts of denials, first uses, limits, volumes", chosen, report);
  leaf->add_option("--since", options->since,
                   "From when on, like 2025-01-31 or \"12 hours ago\"; default a day ago");
  add_logs(*leaf, options->logs);
  leaf->fallthrough()->footer(
      "Reads the whole log: what was seen before decides what is new. Of several logs each row is\n"
      "what one of them has, and names its node.\n\n"
      "Examples:\n"
      "  nae audit report\n"
      "  nae audit report --since 2025-01-31 --json\n"
      "  nae audit report --group");
}

}  // namespace nae::cli
