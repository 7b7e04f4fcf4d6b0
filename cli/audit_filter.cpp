#include "cli/audit_commands.hpp"
#include "keyserver/admin/api/time.hpp"

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
  leaf.add_option("--from", options.from, "Not before, like 2025-01-31T00:00:00Z");
  leaf.add_option("--to", options.to, "Before, like 2025-02-01T00:00:00Z");
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
    NAE_ASSIGN(filter.from_us, admin::api::parse_time(options.from));
  }
  if (!options.to.empty()) {
    NAE_ASSIGN(filter.to_us, admin::api::parse_time(options.to));
  }
  return filter;
}

}  // namespace nae::cli
