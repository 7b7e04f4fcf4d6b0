// ServerGroup: whether the configured key servers are of one store, and in one state. Two that are
// not would answer the same question differently: a value that one has encrypted the other cannot
// read, and a right that was taken away at one still holds at the other.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"
#include "libnae/wire/hello.hpp"

namespace nae::agent {

class ServerGroup {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using State = std::optional<wire::StateDigest>;  // nothing: a server that does not tell it

  // In the order of the configuration, and then in that in which they were found. What is known of
  // those that stay is kept.
  void configure(std::vector<std::string> servers);

  // What `server` says of itself when it is connected, its store's id and its state. The first
  // server of the configuration that has ever been heard of says which store it is, also while it
  // is away; the first one that is connected says which state. Code::conflict for one of another
  // store, or that has been of another state for longer than kGrace.
  Result<void> admit(const std::string& server, const std::string& store, const State& state,
                     TimePoint now);
  // A connected server has changed.
  void tell(const std::string& server, const wire::StateDigest& state, TimePoint now);
  // It has no connection any more. It may change unseen: nothing is compared with its state until
  // it is back. Who differed from it until then is not used.
  void left(const std::string& server) { connected_.erase(server); }

  // Later: does one that was admitted belong to another store or another state now?
  Result<void> check(const std::string& server, TimePoint now) const;
  // When the answer of check() changes though nothing is told; nothing when it does not.
  std::optional<TimePoint> next_change(TimePoint now) const;

  // For as long a change is on its way to an agent, by one connection sooner than by another.
  static constexpr std::chrono::milliseconds kGrace{2'000};

 private:
  struct Difference {
    TimePoint since;
    std::string from;  // whose state is another
  };
  const std::string* first_known() const;  // a server, nullptr before any is known
  // The first that is connected and tells its state, before `server` in the configuration.
  const std::string* reference_for(const std::string& server) const;
  void compare(const std::string& server, TimePoint now);
  void compare_all(TimePoint now);

  std::vector<std::string> servers_;
  std::map<std::string, std::string> stores_;  // by server, and so are the others
  std::map<std::string, wire::StateDigest> states_;
  std::map<std::string, Difference> differences_;
  std::set<std::string> connected_;  // and admitted
};

}  // namespace nae::agent
