// Followers: which of the key servers that answer beside the one in charge a change must still wait
// for. It compares no clock of another machine: docs/spec/group.md, F3.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "keyserver/group/boot_clock.hpp"
#include "keyserver/store/nodes.hpp"

namespace nae::group {

class Followers {
 public:
  using milliseconds = std::chrono::milliseconds;

  // `rows` as they were read after `change` was committed; `now` is after the answer came. The
  // names of those where the change may not be in force: it is where its number and hash, or a
  // later one, is said to be applied; and nobody answers there any more when the row has stood
  // unchanged for as long as it is good for, and for `own` at least, which is this node's lease.
  std::vector<std::string> behind(const std::vector<store::Follower>& rows,
                                  const store::LedgerPoint& change, BootClock::time_point now,
                                  milliseconds own) {
    std::map<std::string, Seen> seen;
    for (const store::Follower& row : rows) {
      const auto known = seen_.find(row.name);
      const bool stood = known != seen_.end() && known->second.row == row;
      seen.emplace(row.name, Seen{row, stood ? known->second.since : now});
    }
    seen_ = std::move(seen);
    std::vector<std::string> names;
    for (const auto& [name, last] : seen_)
      if (!has(last.row, change) && now - last.since < std::max(last.row.duration, own))
        names.push_back(name);
    return names;
  }
  // How long one that is silent can hold up a change at most.
  milliseconds longest(milliseconds own) const {
    for (const auto& [name, last] : seen_) own = std::max(own, last.row.duration);
    return own;
  }

 private:
  struct Seen {
    store::Follower row;
    BootClock::time_point since;
  };
  static bool has(const store::Follower& row, const store::LedgerPoint& change) {
    return row.applied.epoch > change.epoch || row.applied == change;
  }

  std::map<std::string, Seen> seen_;
};

}  // namespace nae::group
