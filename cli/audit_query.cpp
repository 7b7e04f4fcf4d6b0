// nae audit query
#include <ostream>

#include "cli/audit_asking.hpp"
#include "cli/audit_commands.hpp"
#include "cli/local_time.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/audit_report.hpp"

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

struct QueryOptions {
  FilterOptions filter;
  LogsOptions logs;
  unsigned limit = 100;
  bool summary = false;
};

std::vector<std::string> row_of(const json::value& record, bool with_node) {
  std::string who = shown(record, "admin"), what = shown(record, "key");
  if (who.empty()) who = shown(record, "role");
  if (std::string user = shown(record, "user"); !user.empty()) who += " for " + user;
  if (what.empty()) what = shown(record, "target");
  std::string where = shown(record, "device");
  if (std::string database = shown(record, "database"); !database.empty()) where += "/" + database;
  std::string why = shown(record, "reason");
  if (std::string rule = shown(record, "rule"); !rule.empty()) why += " (" + rule + ")";
  if (why.empty()) why = shown(record, "detail");
  std::string verdict = shown(record, "verdict");
  if (std::string times = shown(record, "repeated"); !times.empty()) verdict += " x" + times;
  std::vector<std::string> row{shown(record, "seq"),
                               local_time(shown(record, "time"), Precision::seconds),
                               shown(record, "event"),
                               who,
                               where,
                               shown(record, "action"),
                               what,
                               shown(record, "items"),
                               verdict,
                               why};
  if (with_node) row.insert(row.begin(), shown(record, "node"));
  return row;
}

void print_records(Call& call, const json::value& answer, bool with_node) {
  std::vector<std::string> header{"SEQ",    zoned("TIME"), "EVENT", "WHO",     "WHERE",
                                  "ACTION", "KEY/TARGET",  "ITEMS", "VERDICT", "REASON"};
  if (with_node) header.insert(header.begin(), "NODE");
  Table table(std::move(header));
  for (const json::value& record : items(answer, "records")) table.add(row_of(record, with_node));
  if (table.empty())
    call.out << "No record matches.\n";
  else
    call.print(table, {"ITEMS", "EVENT", "WHERE"});
  if (shown(answer, "truncated") == "true")
    call.out << "(There are older ones: --limit, --to, or 'nae audit export' for all.)\n";
}

void print_summary(Call& call, const json::value& answer) {
  struct {
    const char* title;
    const char* member;
  } const kTables[] = {{"NODE", "by_node"},
                       {"ROLE", "roles"},
                       {"KEY", "keys"},
                       {"ACTION", "actions"},
                       {"VERDICT", "verdicts"}};
  for (const auto& [title, member] : kTables) {
    if (!answer.as_object().contains(member)) continue;  // of one log
    Table table({title, "REQUESTS", "DENIED", "ITEMS", "FAILED ITEMS"});
    for (const json::value& row : items(answer, member))
      table.add({shown(row, "name").empty() ? "-" : shown(row, "name"), shown(row, "requests"),
                 shown(row, "denied"), shown(row, "items"), shown(row, "failed_items")});
    call.print(table);
    call.out << '\n';
  }
  const json::value* total = answer.as_object().if_contains("total");
  if (total)
    call.out << "In all " << shown(*total, "requests") << " requests with "
             << shown(*total, "items") << " items; denied: " << shown(*total, "denied") << ".\n";
}

Outcome<json::value> from_server(Server& server, const QueryOptions& options) {
  NAE_ASSIGN(const FilterOptions filter, in_utc(options.filter));
  if (options.summary) return server.call("GET", filter_parameters("/v1/audit/summary", filter));
  return server.call("GET", filter_parameters("/v1/audit", filter, std::to_string(options.limit)));
}

Outcome<json::value> from_directory(const QueryOptions& options, const std::string& directory) {
  NAE_ASSIGN(audit::Filter filter, filter_of(options.filter));
  if (options.summary) {
    NAE_ASSIGN(audit::Summary summary, audit::summarize(directory, filter));
    return with_state(admin::api::to_json(summary), directory);
  }
  filter.limit = options.limit;
  NAE_ASSIGN(audit::Newest found, audit::newest(directory, filter));
  json::array records;
  for (const audit::StoredRecord& record : found.records) {
    NAE_ASSIGN(json::object object, admin::api::parse_object(record.line));
    records.push_back(std::move(object));
  }
  return with_state({{"records", std::move(records)}, {"truncated", found.truncated}}, directory);
}

void print(Call& call, const QueryOptions& options, const json::value& answer) {
  call.show(answer, [&] {
    if (options.summary)
      print_summary(call, answer);
    else
      print_records(call, answer, !options.logs.is_one());
  });
}

Outcome<ExitCode> query(Call& call, const QueryOptions& options) {
  if (options.summary && !options.filter.event.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "--summary sums up requests: --event does not go with it"));
  return ask_logs(
      call, options.logs,
      {.from_server = [&](Server& server) { return from_server(server, options); },
       .from_directory =
           [&](const std::string& directory) { return from_directory(options, directory); },
       .merge =
           [&](const std::vector<NodeAnswer>& answers) {
             return options.summary ? merge_summaries(answers)
                                    : merge_records(answers, options.limit);
           },
       .print = [&](const json::value& answer) { print(call, options, answer); }});
}

}  // namespace

void add_audit_query(CLI::App& audit, Action& chosen) {
  auto [leaf, options] =
      add_leaf<QueryOptions>(audit, "query", "Print the newest matching records", chosen, query);
  add_filter(*leaf, options->filter);
  leaf->add_flag("--summary", options->summary,
                 "Sum up all matching requests by role, key, action and verdict");
  leaf->add_option("--limit", options->limit, "At most so many, the newest")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  add_logs(*leaf, options->logs);
  leaf->fallthrough()->footer(
      "Texts may hold '*' and '?'. Oldest first; of several logs by time, node and number.\n\n"
      "Examples:\n"
      "  nae audit query --role billing --action decrypt --limit 20\n"
      "  nae audit query --summary --from 2025-01-01\n"
      "  nae audit query --event admin --json\n"
      "  nae audit query --group --key customer-pii");
}

}  // namespace nae::cli
