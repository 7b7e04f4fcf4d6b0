// What ties the secret of a version to its row of the store. Whoever can write the store could
// otherwise move a secret to a row of another type, where it would be used for something else: the
// KDF of working keys is an HMAC, which a row of type hmac-sha-256-raw computes for anybody.
// docs/spec/keys.md, "Binding".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "keyserver/keys/hsm.hpp"
#include "libnae/crypto/public_key.hpp"

namespace nae::keys {

// What the HSM signs: name, id, type and protection of `key`, all of `version` that never changes.
// `binding.signature` is no part of it.
Bytes binding_statement(const Key& key, const Version& version);

// `version.binding.signature` for what else stands in `version`.
Result<void> sign_binding(Hsm& hsm, const Key& key, Version& version);
// Fills in `version.binding` but for its origin, which the caller knows.
Result<void> bind(Hsm& hsm, const Key& key, Version& version);

// Checks bindings with the public key of the HSM's ServerKey::binding.
class BindingCheck {
 public:
  static Result<BindingCheck> with(ByteView public_key);

  // Code::store_corrupt unless every version of every key is bound as it stands. Versions that are
  // destroyed have no secret left that could be taken for another's.
  Result<void> check(std::span<const Key> keys) const;

 private:
  explicit BindingCheck(crypto::PublicKey key) : key_(std::move(key)) {}
  bool is_bound(const Key& key, const Version& version) const;
  Result<void> check_some(std::span<const Key> keys) const;
  crypto::PublicKey key_;
};

}  // namespace nae::keys
