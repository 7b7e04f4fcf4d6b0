// SHA-256 of what comes piece by piece, and does not fit into memory.
#pragma once

#include <memory>

#include "libnae/crypto/hash.hpp"

namespace nae::crypto {

class RunningHash {
 public:
  RunningHash();
  ~RunningHash();
  RunningHash(const RunningHash&) = delete;
  RunningHash& operator=(const RunningHash&) = delete;

  void add(ByteView piece);
  Sha256Digest finish();  // once, and nothing is added afterwards

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace nae::crypto
