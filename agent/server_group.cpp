#include "agent/server_group.hpp"

#include <algorithm>

namespace nae::agent {

void ServerGroup::configure(std::vector<std::string> servers) {
  servers_ = std::move(servers);
  std::erase_if(stores_, [&](const auto& known) {
    return std::find(servers_.begin(), servers_.end(), known.first) == servers_.end();
  });
}

Result<void> ServerGroup::admit(const std::string& server, const std::string& store) {
  stores_[server] = store;
  return check(server);
}

Result<void> ServerGroup::check(const std::string& server) const {
  const std::string* first = first_known();
  const auto known = stores_.find(server);
  if (first == nullptr || known == stores_.end() || known->second == stores_.at(*first)) return {};
  return fail(Code::conflict,
              "it is not used: its store " + known->second + " is another than " +
                  stores_.at(*first) + " of " + *first,
              "Name only addresses of one key server in 'servers' of the agent's configuration.");
}

const std::string* ServerGroup::first_known() const {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [&](const std::string& s) { return stores_.contains(s); });
  return found == servers_.end() ? nullptr : &*found;
}

}  // namespace nae::agent
