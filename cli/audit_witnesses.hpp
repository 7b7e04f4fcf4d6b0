// What the logs of a group, and their store, say of each other: docs/spec/audit.md, "Witnesses".
#pragma once

#include <vector>

#include "cli/audit_logs.hpp"

namespace nae::cli {

// {"compared", "archived", "of_lost_logs", "losses", "not_compared", "findings_total", "findings"}:
// every record that one log has as the head of another one, against that one. A log that cannot be
// read becomes an unread one.
json::object compare_witnesses(Call& call, std::vector<NodeLog>& logs);

}  // namespace nae::cli
