#include "pkcs11/link_pool.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>

namespace nae::pkcs11 {
namespace {

// A descriptor of a link and the process that opened it; 0: none. An entry is there only while the
// descriptor is open and ours.
using Entry = std::uint64_t;
std::array<std::atomic<Entry>, 2 * LinkPool::kMostLinks> inheritable{};

Entry entry_of(pid_t pid, int descriptor) {
  return Entry{static_cast<std::uint32_t>(pid)} << 32 | static_cast<std::uint32_t>(descriptor);
}

void enter(int descriptor) {
  for (std::atomic<Entry>& entry : inheritable) {
    Entry none = 0;
    if (entry.compare_exchange_strong(none, entry_of(::getpid(), descriptor))) return;
  }
}

void leave(int descriptor) {
  for (std::atomic<Entry>& entry : inheritable) {
    Entry its = entry_of(::getpid(), descriptor);
    if (entry.compare_exchange_strong(its, 0)) return;
  }
}

void end(std::unique_ptr<AgentLink> link) {
  leave(link->descriptor());
  link.reset();
}

}  // namespace

void LinkPool::close_inherited() {
  for (std::atomic<Entry>& entry : inheritable) {
    Entry found = entry.load();
    const auto descriptor = static_cast<int>(found & 0xffff'ffff);
    // Another thread may be doing the same, or have opened a link of this process already.
    if (found != 0 && found != entry_of(::getpid(), descriptor) &&
        entry.compare_exchange_strong(found, 0))
      ::close(descriptor);
  }
}

Result<LinkPool::Turn> LinkPool::take(TimePoint deadline) {
  {
    std::unique_lock guard(lock_);
    if (!freed_.wait_until(guard, deadline,
                           [&] { return !idle_.empty() || links_ < kMostLinks || closed_; }))
      return fail(Code::timeout, "all connections to nae-agent are taken");
    if (closed_) return fail(Code::not_initialised, "C_Finalize was called");
    if (!idle_.empty()) {
      auto link = std::move(idle_.back());
      idle_.pop_back();
      return Turn(*this, std::move(link), false);
    }
    ++links_;
  }
  auto link = AgentLink::connect(path_);
  if (link) {
    enter((*link)->descriptor());
    return Turn(*this, *std::move(link), true);
  }
  {
    std::lock_guard guard(lock_);
    --links_;
  }
  freed_.notify_one();
  return fail(std::move(link).error());
}

void LinkPool::give_back(std::unique_ptr<AgentLink> link) {
  {
    std::lock_guard guard(lock_);
    if (!link->broken() && !closed_)
      idle_.push_back(std::move(link));
    else
      --links_;
  }
  if (link) end(std::move(link));
  freed_.notify_one();
}

void LinkPool::close() {
  std::vector<std::unique_ptr<AgentLink>> idle;
  {
    std::lock_guard guard(lock_);
    closed_ = true;
    idle.swap(idle_);
    links_ -= idle.size();
  }
  for (auto& link : idle) end(std::move(link));
  freed_.notify_all();
}

}  // namespace nae::pkcs11
