// ToldState: the digest of the server's state that agents are told (docs/spec/wire.md, "State").
// Two servers whose digests differ would answer the same request differently.
#pragma once

#include <atomic>
#include <mutex>

#include "libnae/crypto/hash.hpp"

namespace nae::operations {

// Thread-safe.
class ToldState {
 public:
  // True when it is another than before.
  bool set(const crypto::Sha256Digest& digest) {
    std::lock_guard lock(mutex_);
    if (digest == digest_) return false;
    digest_ = digest;
    generation_.fetch_add(1, std::memory_order_release);
    return true;
  }
  crypto::Sha256Digest get() const {
    std::lock_guard lock(mutex_);
    return digest_;
  }
  // Changes with every digest; read before get(), it never belongs to a later digest.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  mutable std::mutex mutex_;
  crypto::Sha256Digest digest_{};
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace nae::operations
