#include "keyserver/audit/summary.hpp"

namespace nae::audit {
namespace {

void add(Sum& sum, const StoredRecord& record) {
  sum.requests += record.repeated;
  sum.items += record.items;
  sum.failed_items += record.failed_items;
  if (record.verdict == "deny") sum.denied += record.repeated;
}

Sum& row(Summary::Rows& rows, const std::string& name) {
  if (auto found = rows.find(name); found != rows.end()) return found->second;
  return rows[rows.size() < kMaxSummaryRows ? name : std::string(kOthers)];
}

}  // namespace

void Summary::add(const StoredRecord& record) {
  audit::add(total, record);
  audit::add(row(by_role, record.role), record);
  audit::add(row(by_key, record.key), record);
  audit::add(row(by_action, record.action), record);
  audit::add(row(by_verdict, record.verdict), record);
}

Result<Summary> summarize(const std::filesystem::path& directory, Filter filter) {
  Summary summary;
  filter.event = "request";
  NAE_TRY(scan(directory, filter, [&](StoredRecord&& record) {
    summary.add(record);
    return true;
  }));
  return summary;
}

}  // namespace nae::audit
