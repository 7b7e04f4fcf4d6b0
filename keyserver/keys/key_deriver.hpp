// KeyDeriver: what working keys need of a hardware security module. Calls as those of Hsm.
#pragma once

#include "keyserver/keys/attributes.hpp"
#include "keyserver/keys/key.hpp"
#include "libnae/base/result.hpp"
#include "libnae/crypto/kdf.hpp"

namespace nae::keys {

// One key version with what the HSM needs to use it. `material` outlives the call.
struct HsmKey {
  KeyVersionId id;
  KeyType type{};
  const Material& material;
  Protection protection = Protection::wrapped;
};

inline HsmKey hsm_key(const Key& key, const Version& version) {
  return {{key.id, version.number}, key.type, version.material, key.protection};
}

class KeyDeriver {
 public:
  virtual ~KeyDeriver() = default;

  // What is computed under a secret is said by the key's type, never by who asks: the KDF is an
  // HMAC, so an HMAC of anything anybody likes would be its working keys.
  //
  // A working key, by the KDF of docs/spec/envelope.md. Code::key_type for types and protections
  // that have none, and for the purpose of another type.
  virtual Result<crypto::SecretBytes> derive(const HsmKey& key, const crypto::KeyPurpose& purpose,
                                             const Salt& salt) = 0;
  virtual Result<void> random(ByteSpan out) = 0;
};

}  // namespace nae::keys
