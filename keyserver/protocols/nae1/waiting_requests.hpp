// The requests of one connection that wait for the HSM, each with its own copy of its frame.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "keyserver/operations/request.hpp"
#include "keyserver/protocols/nae1/nae_request.hpp"
#include "keyserver/protocols/nae1/parts.hpp"
#include "net/memory_budget.hpp"

namespace nae::nae1 {

struct WaitingRequest {
  std::uint64_t id = 0;
  std::uint32_t context = 0;  // the number that it quoted
  std::chrono::steady_clock::time_point received_at;
  std::shared_ptr<operations::Caller> caller;  // who asked, whoever has the context's number by now
  Bytes body;
  RequestViews views;  // of `body`
  operations::Progress progress;

  std::size_t bytes() const { return body.size() + views.bytes(); }
};

// Counts them, so that one connection cannot fill memory and the HSM's queue for all, and many
// connections of one device not the memory.
class WaitingRequests {
 public:
  WaitingRequests(const Settings& settings, net::MemoryBudget::Share memory)
      : settings_(settings), memory_(std::move(memory)) {}

  bool empty() const { return count_ == 0; }
  // Is there room for one more? Of the connection's own, a request is always let in alone.
  // `shares`: it waits for work that serves others too, and takes no place in the HSM's queue.
  bool may_enter(std::size_t bytes, bool shares);
  void enter(const WaitingRequest& request);
  void leave(const WaitingRequest& request);

 private:
  const Settings& settings_;
  net::MemoryBudget::Share memory_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace nae::nae1
