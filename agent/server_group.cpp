#include "agent/server_group.hpp"

#include <algorithm>

namespace nae::agent {
namespace {

constexpr const char* kNameOneServer =
    "Name only addresses of one key server in 'servers' of the agent's configuration.";

using Servers = std::vector<std::string>;

// Those of both stand in one order.
bool is_in_order_of(const Servers& before, const Servers& after) {
  const auto common = [](const Servers& all, const Servers& others) {
    Servers left;
    std::ranges::copy_if(all, std::back_inserter(left), [&](const std::string& server) {
      return std::ranges::find(others, server) != others.end();
    });
    return left;
  };
  return common(before, after) == common(after, before);
}

}  // namespace

void ServerGroup::configure(std::vector<std::string> servers) {
  // Another order is another judgement: it begins anew, with its grace.
  const bool same_order = is_in_order_of(servers_, servers);
  servers_ = std::move(servers);
  auto forget = [&](auto& map) {
    std::erase_if(map, [&](const auto& known) {
      return std::find(servers_.begin(), servers_.end(), known.first) == servers_.end();
    });
  };
  forget(stores_);
  forget(states_);
  forget(differences_);
  std::erase_if(differences_, [&](const auto& difference) {
    return !same_order || !states_.contains(difference.second.from);
  });
}

Result<void> ServerGroup::admit(const std::string& server, const std::string& store,
                                const State& state, TimePoint now) {
  stores_[server] = store;
  if (state) {
    states_[server] = *state;
    compare(server, now);
  } else {
    states_.erase(server);
    differences_.erase(server);
  }
  NAE_TRY(check(server, now));
  connected_.insert(server);
  compare_all(now);
  return {};
}

void ServerGroup::tell(const std::string& server, const wire::StateDigest& state, TimePoint now) {
  states_[server] = state;
  compare_all(now);
}

void ServerGroup::compare_all(TimePoint now) {
  for (const std::string& server : servers_)
    if (connected_.contains(server)) compare(server, now);
}

void ServerGroup::compare(const std::string& server, TimePoint now) {
  const auto state = states_.find(server);
  if (state == states_.end()) return;
  const std::string* reference = reference_for(server);
  const auto known = differences_.find(server);
  // Without one that is connected: a difference ends as it began, by the state that it was from.
  if (reference == nullptr && known != differences_.end()) reference = &known->second.from;
  if (reference == nullptr) return;
  const auto other = states_.find(*reference);
  if (other == states_.end() || other->second == state->second)
    differences_.erase(server);
  else
    differences_.try_emplace(server, Difference{now, *reference});
}

Result<void> ServerGroup::check(const std::string& server, TimePoint now) const {
  const std::string* first = first_known();
  const auto known = stores_.find(server);
  if (first == nullptr || known == stores_.end()) return {};
  if (known->second != stores_.at(*first))
    return fail(Code::conflict,
                "it is not used: its store " + known->second + " is another than " +
                    stores_.at(*first) + " of " + *first,
                kNameOneServer);
  const auto difference = differences_.find(server);
  if (difference == differences_.end() || now < difference->second.since + kGrace) return {};
  return fail(Code::conflict,
              "it is not used: its keys, policy or devices are others than those of " +
                  difference->second.from + ", though both are of store " + known->second,
              "Two copies of one store were changed apart. Stop one of them. " +
                  std::string(kNameOneServer));
}

std::optional<ServerGroup::TimePoint> ServerGroup::next_change(TimePoint now) const {
  std::optional<TimePoint> next;
  for (const auto& [server, difference] : differences_) {
    const TimePoint end = difference.since + kGrace;
    if (end > now && (!next || end < *next)) next = end;
  }
  return next;
}

const std::string* ServerGroup::first_known() const {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [&](const std::string& s) { return stores_.contains(s); });
  return found == servers_.end() ? nullptr : &*found;
}

const std::string* ServerGroup::reference_for(const std::string& server) const {
  for (const std::string& other : servers_) {
    if (other == server) return nullptr;
    if (connected_.contains(other) && states_.contains(other)) return &other;
  }
  return nullptr;
}

}  // namespace nae::agent
