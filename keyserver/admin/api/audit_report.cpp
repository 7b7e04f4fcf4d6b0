#include "keyserver/admin/api/audit_report.hpp"

#include <cmath>

#include "keyserver/admin/api/time.hpp"

namespace nae::admin::api {
namespace {

json::object sum_to_json(const audit::Sum& sum) {
  return {{"requests", sum.requests},
          {"items", sum.items},
          {"failed_items", sum.failed_items},
          {"denied", sum.denied}};
}

json::array rows_to_json(const audit::Summary::Rows& rows) {
  json::array array;
  for (const auto& [name, sum] : rows) {
    json::object row = sum_to_json(sum);
    row["name"] = name;
    array.push_back(std::move(row));
  }
  return array;
}

template <class T, class ToJson>
json::array list(const std::vector<T>& entries, ToJson to_object) {
  json::array array;
  for (const T& entry : entries) array.push_back(to_object(entry));
  return array;
}

}  // namespace

json::object to_json(const audit::Summary& summary) {
  return {{"total", sum_to_json(summary.total)},
          {"roles", rows_to_json(summary.by_role)},
          {"keys", rows_to_json(summary.by_key)},
          {"actions", rows_to_json(summary.by_action)},
          {"verdicts", rows_to_json(summary.by_verdict)}};
}

json::object to_json(const audit::Report& report) {
  auto burst = [](const audit::Burst& b) -> json::object {
    return {{"device", b.device},
            {"role", b.role},
            {"action", b.action},
            {"key", b.key},
            {"reason", b.reason},
            {"requests", b.requests},
            {"first", format_time(b.first_us)},
            {"last", format_time(b.last_us)}};
  };
  auto first_use = [](const audit::FirstUse& f) -> json::object {
    return {{"role", f.role},
            {"key", f.key},
            {"device", f.device},
            {"action", f.action},
            {"time", format_time(f.time_us)}};
  };
  auto breach = [](const audit::Breach& b) -> json::object {
    return {{"role", b.role},         {"key", b.key},     {"action", b.action},
            {"requests", b.requests}, {"items", b.items}, {"last", format_time(b.last_us)}};
  };
  auto refusal = [](const audit::Refusal& r) -> json::object {
    return {{"device", r.device},     {"action", r.action}, {"reason", r.reason},
            {"requests", r.requests}, {"items", r.items},   {"last", format_time(r.last_us)}};
  };
  auto volume = [](const audit::Volume& v) -> json::object {
    return {{"role", v.role},
            {"key", v.key},
            {"items", v.items},
            {"usual_items", static_cast<std::uint64_t>(std::llround(v.usual_items))}};
  };
  return {{"since", format_time(report.since_us)},
          {"until", format_time(report.until_us)},
          {"complete", report.complete},
          {"denied_bursts", list(report.bursts, burst)},
          {"first_uses", list(report.first_uses, first_use)},
          {"limit_breaches", list(report.breaches, breach)},
          {"refusals", list(report.refusals, refusal)},
          {"decrypt_volumes", list(report.volumes, volume)}};
}

json::object to_json(const audit::DamagedSegment& damaged) {
  return {{"file", damaged.file}, {"problem", damaged.problem}};
}

json::object to_json(const audit::Page& page) {
  json::array lines;
  for (const audit::StoredRecord& record : page.records) lines.emplace_back(record.line);
  json::value next = nullptr;
  if (page.next) next = *page.next;
  return {{"lines", std::move(lines)}, {"next", std::move(next)}};
}

}  // namespace nae::admin::api
