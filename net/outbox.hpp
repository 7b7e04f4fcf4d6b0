// Outbox: bytes that wait for a stream to take them, and since when it takes none.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "libnae/base/bytes.hpp"
#include "net/memory_budget.hpp"
#include "net/stream.hpp"

namespace nae::net {

class Outbox {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // To be appended to.
  Bytes& bytes() { return bytes_; }
  std::size_t waiting() const { return bytes_.size() - sent_; }
  // All that the stream ever took.
  std::uint64_t written() const { return written_; }

  // From now on what waits counts.
  void count(MemoryBudget::Share share) { share_.emplace(std::move(share)); }

  // Writes what the stream takes now; `before` is called right before each piece. done: all of it.
  // wants_read, wants_write: the rest waits, if has_memory(). closed, failed: the stream's end.
  IoState write_to(Stream& stream, const std::function<void()>& before = {});
  bool has_memory() { return !share_ || share_->hold(bytes_.capacity()); }

  // Something waits, and the stream has taken nothing of it since last_progress().
  bool is_blocked() const { return blocked_; }
  TimePoint last_progress() const { return last_progress_; }

 private:
  void note_blocked();
  void empty();

  Bytes bytes_;
  std::size_t sent_ = 0;  // of the bytes
  std::uint64_t written_ = 0;
  std::size_t blocked_at_ = 0;
  bool blocked_ = false;
  TimePoint last_progress_;
  std::optional<MemoryBudget::Share> share_;
};

}  // namespace nae::net
