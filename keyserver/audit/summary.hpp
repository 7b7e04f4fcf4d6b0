// Sums over a log: how much was asked by whom, of which key, and with what outcome.
#pragma once

#include <map>
#include <string>

#include "keyserver/audit/query.hpp"

namespace nae::audit {

// Askers choose names of roles and keys: more distinct ones are summed up together.
inline constexpr std::size_t kMaxSummaryRows = 1000;
inline constexpr std::string_view kOthers = "(others)";

struct Sum {
  std::uint64_t requests = 0;  // a record of repeated denials counts for all of them
  std::uint64_t items = 0;
  std::uint64_t failed_items = 0;
  std::uint64_t denied = 0;  // requests
};

struct Summary {
  using Rows = std::map<std::string, Sum>;
  Sum total;
  Rows by_role, by_key, by_action, by_verdict;

  void add(const StoredRecord& record);
};

// Of the matching `request` records; ignores Filter::limit.
Result<Summary> summarize(const std::filesystem::path& directory, Filter filter);

}  // namespace nae::audit
