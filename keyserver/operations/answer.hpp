// Answer: where an operation writes what it answers, item by item. Each protocol has its own.
#pragma once

#include <algorithm>
#include <cstdint>

#include "keyserver/policy/verdict.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::operations {

// Straight into the memory that leaves, so that no plaintext is copied once more. Items in their
// order; what was begun is finished, refused or discarded.
class Answer {
 public:
  virtual ~Answer() = default;

  // `data_bytes_hint`: of all results; more may come.
  virtual void begin(std::uint32_t items, std::size_t data_bytes_hint) = 0;
  // Room for the result of the next item, until the next call.
  virtual ByteSpan begin_item(std::size_t max_bytes) = 0;
  // `shown`: as what: the value, a mask of it, its ciphertext, or null.
  virtual void finish_item(policy::Verdict shown, std::size_t used_bytes) = 0;
  // Drops what begin_item() reserved, if it was called for this item.
  virtual void fail_item(Code code) = 0;
  // Code::frame_too_large when the protocol cannot carry it.
  virtual Result<void> finish() = 0;
  // Takes everything back and wipes it: it may hold plaintext. Also where nothing was begun.
  virtual void discard() = 0;
  // The request as a whole, in place of all items. `retry_after_ms` 0: no advice.
  virtual void refuse(const Error& error, std::uint32_t retry_after_ms) = 0;

  void add_item(ByteView result, policy::Verdict shown = policy::Verdict::value) {
    std::ranges::copy(result, begin_item(result.size()).begin());
    finish_item(shown, result.size());
  }
};

}  // namespace nae::operations
