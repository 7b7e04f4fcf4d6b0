#include "keyserver/operations/shared_work.hpp"

#include <memory>
#include <utility>

namespace nae::operations {

bool SharedWork::join(const std::string& name, Waiter waiter) {
  std::lock_guard lock(mutex_);
  auto [found, is_new] = under_way_.try_emplace(name);
  if (is_new) return false;
  found->second.push_back(std::move(waiter));
  return true;
}

void SharedWork::finish(const std::string& name, const Result<Prepared>& result) {
  std::vector<Waiter> waiters;
  {
    std::lock_guard lock(mutex_);
    const auto found = under_way_.find(name);
    waiters = std::move(found->second);
    under_way_.erase(found);
  }
  for (const Waiter& waiter : waiters) waiter(result);
}

std::shared_ptr<SharedWork> make_shared_work() {
  return std::make_shared<SharedWork>();
}

Result<Prepared> share_of(const Result<Prepared>& result, bool waited) {
  if (!result) {
    const Code code = result.error().code;
    if (!waited && (code == Code::timeout || code == Code::overloaded)) return Prepared{};
    return fail(result.error());
  }
  Prepared share;
  for (const WorkingKey& key : result->keys)
    if (!std::holds_alternative<keys::EncryptLease>(key)) share.keys.push_back(key);
  return share;
}

}  // namespace nae::operations
