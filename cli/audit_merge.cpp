#include "cli/audit_merge.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace nae::cli {
namespace {

using admin::api::items;
using admin::api::shown;

std::uint64_t number_of(const json::value& object, std::string_view member) {
  const json::value* value = object.is_object() ? object.get_object().if_contains(member) : nullptr;
  boost::system::error_code none;
  const auto number = value ? value->to_number<std::uint64_t>(none) : 0;
  return none ? 0 : number;
}

// `row` with the node before all else.
json::object named(const std::string& node, const json::value& row) {
  json::object object{{"node", node}};
  if (row.is_object())
    for (const auto& [name, value] : row.get_object()) object[name] = value;
  return object;
}

json::array all_of(const std::vector<NodeAnswer>& answers, std::string_view member) {
  json::array all;
  for (const NodeAnswer& one : answers)
    for (const json::value& row : items(one.answer, member)) all.push_back(named(one.node, row));
  return all;
}

constexpr const char* kSums[] = {"requests", "items", "failed_items", "denied"};
using Sums = std::map<std::string, std::uint64_t>;

json::object sums_to_json(const Sums& sums) {
  json::object object;
  for (const char* sum : kSums) object[sum] = sums.contains(sum) ? sums.at(sum) : 0;
  return object;
}

void add_sums(Sums& sums, const json::value& row) {
  for (const char* sum : kSums) sums[sum] += number_of(row, sum);
}

}  // namespace

json::object merge_records(const std::vector<NodeAnswer>& answers, std::size_t limit) {
  json::array all = all_of(answers, "records");
  // Times of one form sort like texts.
  auto place = [](const json::value& record) {
    return std::tuple(shown(record, "time"), shown(record, "node"), number_of(record, "seq"));
  };
  std::ranges::sort(all, {}, place);
  bool truncated = std::ranges::any_of(
      answers, [](const NodeAnswer& one) { return shown(one.answer, "truncated") == "true"; });
  if (all.size() > limit) {
    truncated = true;
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(limit));
  }
  return {{"records", std::move(all)},
          {"truncated", truncated},
          {"damaged_segments", all_of(answers, "damaged_segments")}};
}

json::object merge_summaries(const std::vector<NodeAnswer>& answers) {
  json::object merged;
  for (const char* member : {"roles", "keys", "actions", "verdicts"}) {
    std::map<std::string, Sums> by_name;
    for (const NodeAnswer& one : answers)
      for (const json::value& row : items(one.answer, member))
        add_sums(by_name[shown(row, "name")], row);
    json::array rows;
    for (const auto& [name, sums] : by_name) {
      json::object& row = rows.emplace_back(sums_to_json(sums)).get_object();
      row["name"] = name;
    }
    merged[member] = std::move(rows);
  }
  Sums total;
  json::array by_node;
  for (const NodeAnswer& one : answers) {
    const json::value* own =
        one.answer.is_object() ? one.answer.get_object().if_contains("total") : nullptr;
    const json::value sums = own ? *own : json::object();
    add_sums(total, sums);
    json::object row = named(one.node, sums);
    row["name"] = one.node;
    by_node.push_back(std::move(row));
  }
  merged["total"] = sums_to_json(total);
  merged["by_node"] = std::move(by_node);
  merged["damaged_segments"] = all_of(answers, "damaged_segments");
  return merged;
}

json::object merge_reports(const std::vector<NodeAnswer>& answers) {
  json::object merged;
  std::string since, until;
  bool complete = true;
  for (const NodeAnswer& one : answers) {
    const std::string from = shown(one.answer, "since");
    if (since.empty() || from < since) since = from;
    until = std::max(until, shown(one.answer, "until"));
    complete = complete && shown(one.answer, "complete") == "true";
  }
  merged["since"] = since;
  merged["until"] = until;
  merged["complete"] = complete;
  for (const char* member : {"denied_bursts", "first_uses", "limit_breaches", "refusals",
                             "decrypt_volumes", "damaged_segments"})
    merged[member] = all_of(answers, member);
  return merged;
}

}  // namespace nae::cli
