#include "pkcs11/link_pool.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

namespace nae::pkcs11 {
namespace {

// A descriptor of a link, the process that opened it, and the socket that it is. An owner is there
// only while the descriptor is open and ours. Nobody waits here: a fork leaves what it finds.
struct Entry {
  std::atomic<std::uint64_t> owner;  // 0: none
  std::atomic<dev_t> device;
  std::atomic<ino_t> inode;
};
std::array<Entry, 2 * LinkPool::kMostLinks> inheritable{};

// While device and inode are being written. In a child that was forked then the descriptor
// stays open until exec.
constexpr std::uint64_t kUnfinished = std::uint64_t{1} << 31;

std::uint64_t owner_of(pid_t pid, int descriptor) {
  return std::uint64_t{static_cast<std::uint32_t>(pid)} << 32 |
         static_cast<std::uint32_t>(descriptor);
}

void enter(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return;
  const std::uint64_t owner = owner_of(::getpid(), descriptor);
  for (Entry& entry : inheritable) {
    std::uint64_t none = 0;
    if (!entry.owner.compare_exchange_strong(none, owner | kUnfinished)) continue;
    entry.device = status.st_dev;
    entry.inode = status.st_ino;
    entry.owner = owner;
    return;
  }
}

void leave(int descriptor) {
  for (Entry& entry : inheritable) {
    std::uint64_t its = owner_of(::getpid(), descriptor);
    if (entry.owner.compare_exchange_strong(its, 0)) return;
  }
}

// A child may have closed all that it got and opened files of its own: those are not ours.
void close_if_still(int descriptor, dev_t device, ino_t inode) {
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode)
    ::close(descriptor);
}

void end(std::unique_ptr<AgentLink> link) {
  leave(link->descriptor());
  link.reset();
}

}  // namespace

void LinkPool::close_inherited() {
  for (Entry& entry : inheritable) {
    std::uint64_t found = entry.owner.load();
    const dev_t device = entry.device;
    const ino_t inode = entry.inode;
    // Another thread may be doing the same, or have opened a link of this process already.
    if (found == 0 || found >> 32 == static_cast<std::uint32_t>(::getpid()) ||
        !entry.owner.compare_exchange_strong(found, 0))
      continue;
    if ((found & kUnfinished) == 0)
      close_if_still(static_cast<int>(found & 0xffff'ffff), device, inode);
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
      taken_.push_back(link.get());
      return Turn(*this, std::move(link), false);
    }
    ++links_;
  }
  auto link = AgentLink::connect(path_);
  auto begun = link ? begin_turn(**link) : Result<void>(fail(std::move(link).error()));
  if (begun) {
    enter((*link)->descriptor());
    return Turn(*this, *std::move(link), true);
  }
  {
    std::lock_guard guard(lock_);
    --links_;
  }
  freed_.notify_one();
  return fail(std::move(begun).error());
}

// close() may have been called while it was connecting.
Result<void> LinkPool::begin_turn(const AgentLink& link) {
  std::lock_guard guard(lock_);
  if (closed_) return fail(Code::not_initialised, "C_Finalize was called");
  taken_.push_back(&link);
  return {};
}

void LinkPool::give_back(std::unique_ptr<AgentLink> link) {
  {
    std::lock_guard guard(lock_);
    std::erase(taken_, link.get());
    if (!link->broken() && !closed_ && link->is_for(user_token_))
      idle_.push_back(std::move(link));
    else
      --links_;
  }
  if (link) end(std::move(link));
  freed_.notify_one();
}

void LinkPool::act_for(Bytes user_token) {
  std::vector<std::unique_ptr<AgentLink>> idle;
  {
    std::lock_guard guard(lock_);
    user_token_ = std::move(user_token);
    for (auto& link : std::exchange(idle_, {}))
      (link->is_for(user_token_) ? idle_ : idle).push_back(std::move(link));
    links_ -= idle.size();
  }
  for (auto& link : idle) end(std::move(link));
  freed_.notify_all();
}

void LinkPool::close() {
  std::vector<std::unique_ptr<AgentLink>> idle;
  {
    std::lock_guard guard(lock_);
    closed_ = true;
    idle.swap(idle_);
    links_ -= idle.size();
    // Not closed: that is of the turn, which sees the end of the connection.
    for (const AgentLink* link : taken_) ::shutdown(link->descriptor(), SHUT_RDWR);
  }
  for (auto& link : idle) end(std::move(link));
  freed_.notify_all();
}

}  // namespace nae::pkcs11
