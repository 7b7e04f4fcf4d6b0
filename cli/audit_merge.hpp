// Answers of the logs of a group as one answer, whose rows name the node.
#pragma once

#include <string>
#include <vector>

#include "cli/server.hpp"

namespace nae::cli {

struct NodeAnswer {
  std::string node;
  json::value answer;
};

// By time, then by node, then by sequence number: the newest `limit` of them.
json::object merge_records(const std::vector<NodeAnswer>& answers, std::size_t limit);
// Sums of one name are added up; "by_node" has the total of each.
json::object merge_summaries(const std::vector<NodeAnswer>& answers);
// Rows node by node: what is counted, and what is new, is so in that node's log.
json::object merge_reports(const std::vector<NodeAnswer>& answers);

}  // namespace nae::cli
