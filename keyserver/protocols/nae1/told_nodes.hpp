// ToldNodes: the other key servers of the group that agents are told of (docs/spec/wire.md,
// "Nodes").
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "libnae/wire/node_list.hpp"

namespace nae::nae1 {

// Thread-safe. Of a server of no group it stays empty.
class ToldNodes {
 public:
  // True when it is another than before.
  bool set(wire::NodeList nodes) {
    std::lock_guard lock(mutex_);
    if (nodes == nodes_) return false;
    nodes_ = std::move(nodes);
    generation_.fetch_add(1, std::memory_order_release);
    return true;
  }
  wire::NodeList get() const {
    std::lock_guard lock(mutex_);
    return nodes_;
  }
  // Changes with every list; read before get(), it never belongs to a later one.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  wire::NodeList nodes_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace nae::nae1
