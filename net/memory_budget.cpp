#include "net/memory_budget.hpp"

namespace nae::net {

bool MemoryBudget::Share::hold(std::size_t bytes) {
  if (!budget_) return true;
  const std::size_t counted = bytes <= kFreeBytes ? 0 : bytes;
  if (counted == held_) return true;
  if (!budget_->change(name_, held_, counted)) return false;
  held_ = counted;
  return true;
}

bool MemoryBudget::change(const std::string& name, std::size_t from, std::size_t to) {
  std::lock_guard lock(mutex_);
  std::size_t& of_name = held_by_[name];
  // A share never holds more than its name does, nor that more than all.
  const bool granted = to <= from || (of_name - from <= each_ && to <= each_ - (of_name - from) &&
                                      held_ - from <= total_ && to <= total_ - (held_ - from));
  if (granted) {
    of_name = of_name - from + to;
    held_ = held_ - from + to;
  }
  if (of_name == 0) held_by_.erase(name);
  return granted;
}

std::size_t MemoryBudget::held() const {
  std::lock_guard lock(mutex_);
  return held_;
}

}  // namespace nae::net
