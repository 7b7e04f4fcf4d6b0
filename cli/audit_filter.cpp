#include <filesystem>
#include <ostream>

#include "cli/audit_commands.hpp"
#include "cli/moment.hpp"
#include "cli/table.hpp"
#include "keyserver/admin/api/audit_report.hpp"
#include "keyserver/audit/archive.hpp"
#include "keyserver/audit/head.hpp"
#include "keyserver/audit/segment_checks.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/file.hpp"

namespace nae::cli {

void add_filter(CLI::App& leaf, FilterOptions& options, bool with_event) {
  if (with_event)
    leaf.add_option("--event", options.event, "request, admin, started, stopped, ...");
  leaf.add_option("--role", options.role, "Effective database role");
  leaf.add_option("--key", options.key, "Name of the key");
  leaf.add_option("--action", options.action, "encrypt, search, key-create, ...");
  leaf.add_option("--verdict", options.verdict, "value or deny");
  leaf.add_option("--device", options.device, "Device");
  leaf.add_option("--database", options.database, "Database");
  leaf.add_option("--user", options.user, "End user: the subject of the token");
  leaf.add_option("--from", options.from,
                  "Not before: 2025-01-31, \"1 hour ago\", yesterday, 2025-01-31T00:00Z");
  leaf.add_option("--to", options.to, "Before: the same forms");
}

std::string filter_parameters(const std::string& path, const FilterOptions& options,
                              const std::string& limit, const std::string& after) {
  return with_parameters(path, {{"event", options.event},
                                {"role", options.role},
                                {"key", options.key},
                                {"action", options.action},
                                {"verdict", options.verdict},
                                {"device", options.device},
                                {"database", options.database},
                                {"user", options.user},
                                {"from", options.from},
                                {"to", options.to},
                                {"limit", limit},
                                {"after", after}});
}

Result<FilterOptions> in_utc(FilterOptions options) {
  NAE_ASSIGN(options.from, utc_of(options.from));
  NAE_ASSIGN(options.to, utc_of(options.to));
  return options;
}

Result<audit::Filter> filter_of(const FilterOptions& options) {
  audit::Filter filter;
  filter.event = options.event;
  filter.role = options.role;
  filter.key = options.key;
  filter.action = options.action;
  filter.verdict = options.verdict;
  filter.device = options.device;
  filter.database = options.database;
  filter.user = options.user;
  if (!options.from.empty()) {
    NAE_ASSIGN(filter.from_us, parse_moment(options.from, unix_time_us()));
  }
  if (!options.to.empty()) {
    NAE_ASSIGN(filter.to_us, parse_moment(options.to, unix_time_us()));
  }
  return filter;
}

void warn_of_state(Call& call, const json::value& answer, const std::string& node) {
  using admin::api::shown;
  const std::string whose = node.empty() ? "" : printable(node) + ": ";
  for (const json::value& segment : admin::api::items(answer, "damaged_segments"))
    call.err << "WARNING: " << whose << printable(shown(segment, "file"))
             << " does not verify: " << printable(shown(segment, "problem"))
             << "\n  what was read from it proves nothing; see 'nae audit verify'\n";
  const std::string archived = shown(answer, "archived_seq");
  if (!archived.empty() && archived != "0" && shown(answer, "truncated") != "true")
    call.err << whose << "Records up to " << archived
             << " were removed on purpose (nae audit prune) and could not be looked at.\n";
}

Result<json::object> with_state(json::object answer, const std::string& directory) {
  const std::string key_file = directory + "/" + std::string(audit::kPublicKeyFile);
  std::string public_key;
  if (std::filesystem::exists(key_file)) {
    NAE_ASSIGN(public_key, read_file(key_file, kMaxPublicKeyBytes));
  }
  audit::SegmentChecks checks(directory, public_key);
  NAE_ASSIGN(auto damaged, checks.check_all(unix_time_us()));
  json::array segments;
  for (const audit::DamagedSegment& segment : damaged)
    segments.push_back(admin::api::to_json(segment));
  NAE_ASSIGN(auto mark, audit::read_archive_mark(directory));
  answer["damaged_segments"] = std::move(segments);
  answer["archived_seq"] = mark ? mark->point.seq : 0;
  return answer;
}

}  // namespace nae::cli
