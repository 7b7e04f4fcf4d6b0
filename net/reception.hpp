// Reception: the memory and the time that the message which is being received may take. Half of a
// message is what a peer can make this side hold for nothing.
#pragma once

#include "net/memory_budget.hpp"
#include "net/receive_deadline.hpp"

#include "libnae/base/result.hpp"

namespace nae::net {

// Part of a protocol, on its connection's thread.
class Reception {
 public:
  // `refuse` runs when a message is late, with Code::timeout, or when there was no memory for it
  // all that time, with Code::overloaded; the connection must end then.
  Reception(Connection& connection, MemoryBudget::Share memory, std::chrono::milliseconds time,
            std::function<void(Error)> refuse);

  // After every read, before more is read. `bytes`: of the whole message that is under way, 0 while
  // they are not known. Nothing more is read until there is memory for it.
  void progress(bool under_way, bool fresh, std::size_t bytes);
  void set_time(std::chrono::milliseconds time);
  // For Protocol::closed().
  void cancel();

 private:
  void wait_for_memory();
  void late();

  Connection& connection_;
  MemoryBudget::Share memory_;
  std::chrono::milliseconds time_;
  std::function<void(Error)> refuse_;
  ReceiveDeadline deadline_;
  boost::asio::steady_timer memory_timer_;
  std::size_t wanted_ = 0;
  bool waits_for_memory_ = false;
};

}  // namespace nae::net
