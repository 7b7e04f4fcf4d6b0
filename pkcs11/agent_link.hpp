// AgentLink: one connection to nae-agent, and one exchange at a time over it, for threads that may
// wait. Of one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/client/session.hpp"

namespace nae::pkcs11 {

using TimePoint = std::chrono::steady_clock::time_point;

class AgentLink {
 public:
  // Code::agent_unavailable, overloaded; config_invalid for an unusable path.
  static Result<std::unique_ptr<AgentLink>> connect(const std::string& path);
  ~AgentLink();
  AgentLink(const AgentLink&) = delete;
  AgentLink& operator=(const AgentLink&) = delete;

  client::Session& session() { return session_; }
  int descriptor() const { return descriptor_; }

  // Requests of this user from here on; empty: of none. Nothing is sent when that is so already.
  void act_for(const Bytes& user_token);
  // Whether all that was asked last was asked for this user; empty: for none.
  bool is_for(const Bytes& user_token) const;
  static constexpr std::uint32_t kContext = 1;

  // Sends what the session has queued and waits for the answer of request `id`. The frame lives
  // until the next call. Code::connection_lost, timeout, or the error that answered; after any but
  // the last broken() is true and the link of no more use.
  Result<wire::Frame> exchange(std::uint64_t id, TimePoint deadline);
  // Reads what the agent has told unasked, without waiting.
  void drain();
  bool broken() const { return broken_; }
  std::uint64_t epoch() const { return session_.epoch(); }

 private:
  explicit AgentLink(int descriptor);
  Result<void> write_some();
  Result<bool> read_some();  // false: nothing is there yet
  Result<void> wait(short events, TimePoint deadline);

  int descriptor_;
  client::Session session_;
  bool broken_ = false;
  bool has_context_ = false;
  Bytes user_token_;
};

}  // namespace nae::pkcs11
