#include "keyserver/operations/public_keys.hpp"

#include <mutex>

namespace nae::operations {

constexpr std::size_t kCapacity = 10'000;

Result<std::shared_ptr<const crypto::PublicKey>> PublicKeys::of(const keys::Key& key,
                                                                const keys::Version& version) {
  const KeyVersionId id{key.id, version.number};
  {
    std::shared_lock guard(lock_);
    if (auto found = parsed_.find(id); found != parsed_.end()) return found->second;
  }
  NAE_ASSIGN(auto parsed, crypto::PublicKey::from_der(version.material.public_key));
  auto shared = std::make_shared<const crypto::PublicKey>(std::move(parsed));
  std::unique_lock guard(lock_);
  if (parsed_.size() >= kCapacity) parsed_.clear();
  parsed_.emplace(id, shared);
  return shared;
}

}  // namespace nae::operations
