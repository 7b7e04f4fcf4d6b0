// AvoidedServers: those that refused for a trouble of their own are asked last for a while.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace nae::agent {

class AvoidedServers {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  // Long enough that few requests are asked twice, short enough that a server which is well again
  // soon has its share.
  static constexpr std::chrono::seconds kTime{3};

  // True when it was not avoided before.
  bool avoid(const std::string& server, TimePoint now) {
    const bool is_new = !contains(server, now);
    until_[server] = now + kTime;
    return is_new;
  }
  bool contains(const std::string& server, TimePoint now) const {
    const auto found = until_.find(server);
    return found != until_.end() && now < found->second;
  }

 private:
  std::map<std::string, TimePoint> until_;
};

}  // namespace nae::agent
