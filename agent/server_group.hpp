// ServerGroup: whether the configured key servers are of one store. Two that are not would answer
// the same question differently: a value that one has encrypted the other cannot read, and a right
// that was taken away at one still holds at the other.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::agent {

class ServerGroup {
 public:
  // In the order of the configuration. What is known of those that stay is kept.
  void configure(std::vector<std::string> servers);

  // What `server` says of itself, its store's id. The first server of the configuration that has
  // ever been heard of says which store it is; Code::conflict for one of another store, also while
  // that first one is away.
  Result<void> admit(const std::string& server, const std::string& store);
  // After an admission: does one that was admitted earlier belong to another store now?
  Result<void> check(const std::string& server) const;

 private:
  const std::string* first_known() const;  // a server, nullptr before any is known

  std::vector<std::string> servers_;
  std::map<std::string, std::string> stores_;  // by server
};

}  // namespace nae::agent
