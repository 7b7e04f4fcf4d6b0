// MemoryBudget: how much memory peers may make this side hold, all together and each of them by
// name. A connection alone is bounded; many connections of one peer are not, without this.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace nae::net {

// Thread-safe.
class MemoryBudget : public std::enable_shared_from_this<MemoryBudget> {
 public:
  // What one holder has without asking: the buffers that every connection has.
  static constexpr std::size_t kFreeBytes = 256u << 10;

  // In bytes, of all and of each name.
  MemoryBudget(std::size_t total, std::size_t each) : total_(total), each_(each) {}

  // What one holder has. One thread; ends with what it holds. Keeps the budget alive.
  class Share {
   public:
    Share() = default;  // of no budget: whatever is asked for is granted
    Share(Share&& other) noexcept
        : budget_(std::move(other.budget_)),
          name_(std::move(other.name_)),
          held_(std::exchange(other.held_, 0)) {}
    Share& operator=(Share&&) = delete;
    ~Share() { hold(0); }

    // From now on it holds `bytes`. False: not granted, it holds what it held; asking for less than
    // that is always granted.
    bool hold(std::size_t bytes);

   private:
    friend class MemoryBudget;
    Share(std::shared_ptr<MemoryBudget> budget, std::string name)
        : budget_(std::move(budget)), name_(std::move(name)) {}

    std::shared_ptr<MemoryBudget> budget_;
    std::string name_;
    std::size_t held_ = 0;
  };
  Share share(std::string name) { return {shared_from_this(), std::move(name)}; }

  std::size_t held() const;

 private:
  bool change(const std::string& name, std::size_t from, std::size_t to);

  const std::size_t total_;
  const std::size_t each_;
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t> held_by_;
  std::size_t held_ = 0;
};

}  // namespace nae::net
