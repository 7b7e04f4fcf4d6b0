// StoreMemory: what this key server has seen of a store that it shares, written down beside its
// audit log, and alarms when the store has lost it or may lose what it takes.
#pragma once

#include <memory>

#include "keyserver/group/store_watch.hpp"

namespace nae::server {

// Not by the thread that renews the lease: a disk that hangs must not end it.
class StoreMemory {
 public:
  explicit StoreMemory(std::shared_ptr<group::StoreWatch> watch) : watch_(std::move(watch)) {}
  void keep();

 private:
  const std::shared_ptr<group::StoreWatch> watch_;
  bool whole_ = true, synchronous_ = true;  // as it was told last
};

}  // namespace nae::server
