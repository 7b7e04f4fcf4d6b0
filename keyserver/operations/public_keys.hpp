// Parsed public keys of signing key versions: verifying happens on the CPU, not in the HSM.
#pragma once

#include <memory>
#include <shared_mutex>
#include <unordered_map>

#include "keyserver/keys/key.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::operations {

// Thread-safe. A version's public key never changes, so entries are never dropped but at capacity.
class PublicKeys {
 public:
  Result<std::shared_ptr<const crypto::PublicKey>> of(const keys::Key& key,
                                                      const keys::Version& version);

 private:
  std::shared_mutex lock_;
  std::unordered_map<KeyVersionId, std::shared_ptr<const crypto::PublicKey>> parsed_;
};

}  // namespace nae::operations
