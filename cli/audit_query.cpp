// nae audit query
#include <ostream>

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
  std::string directory;
  unsigned limit = 100;
  bool summary = false;
};

std::vector<std::string> row_of(const json::value& record) {
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
  return {shown(record, "seq"),
          local_time(shown(record, "time"), Precision::seconds),
          shown(record, "event"),
          who,
          where,
          shown(record, "action"),
          what,
          shown(record, "items"),
          verdict,
          why};
}

void print_records(Call& call, const json::value& answer) {
  Table table({"SEQ", zoned("TIME"), "EVENT", "WHO", "WHERE", "ACTION", "KEY/TARGET", "ITEMS",
               "VERDICT", "REASON"});
  for (const json::value& record : items(answer, "records")) table.add(row_of(record));
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
  } const kTables[] = {
      {"ROLE", "roles"}, {"KEY", "keys"}, {"ACTION", "actions"}, {"VERDICT", "verdicts"}};
  for (const auto& [title, member] : kTables) {
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

Outcome<json::value> from_server(Call& call, const QueryOptions& options) {
  NAE_ASSIGN(const FilterOptions filter, in_utc(options.filter));
  NAE_ANSWER(auto server, call.server());
  if (options.summary) return server->call("GET", filter_parameters("/v1/audit/summary", filter));
  return server->call("GET", filter_parameters("/v1/audit", filter, std::to_string(options.limit)));
}

Outcome<json::value> from_directory(const QueryOptions& options) {
  NAE_ASSIGN(audit::Filter filter, filter_of(options.filter));
  if (options.summary) {
    NAE_ASSIGN(audit::Summary summary, audit::summarize(options.directory, filter));
    return with_state(admin::api::to_json(summary), options.directory);
  }
  filter.limit = options.limit;
  NAE_ASSIGN(audit::Newest found, audit::newest(options.directory, filter));
  json::array records;
  for (const audit::StoredRecord& record : found.records) {
    NAE_ASSIGN(json::object object, admin::api::parse_object(record.line));
    records.push_back(std::move(object));
  }
  return with_state({{"records", std::move(records)}, {"truncated", found.truncated}},
                    options.directory);
}

Outcome<ExitCode> query(Call& call, const QueryOptions& options) {
  if (options.summary && !options.filter.event.empty())
    return tl::unexpected<Failure>(
        Error(Code::invalid_argument, "--summary sums up requests: --event does not go with it"));
  NAE_ANSWER(json::value answer,
             options.directory.empty() ? from_server(call, options) : from_directory(options));
  call.show(answer, [&] {
    if (options.summary)
      print_summary(call, answer);
    else
      print_records(call, answer);
  });
  warn_of_state(call, answer);
  return kOk;
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
  leaf->add_option("--directory", options->directory, "Search this copy of a log, offline");
  leaf->fallthrough()->footer(
      "Texts may hold '*' and '?'. Oldest first.\n\n"
      "Examples:\n"
      "  nae audit query --role billing --action decrypt --limit 20\n"
      "  nae audit query --summary --from 2025-01-01\n"
      "  nae audit query --event admin --json");
}

}  // namespace nae::cli
