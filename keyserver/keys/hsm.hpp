// What the key server needs of a hardware security module. keyserver/hsm/ implements it over
// PKCS#11; nothing above knows that. Every call may block for the module's pleasure and comes from
// the HSM queue's one thread, so implementations hold no locks.
#pragma once

#include <array>

#include "keyserver/keys/key.hpp"
#include "libnae/base/result.hpp"

namespace nae::keys {

inline constexpr std::size_t kHmacBytes = 32;

// Keys of the server itself: token objects that never leave the HSM. ECDSA P-256.
enum class ServerKey { authority /* issues certificates */, audit /* signs chain heads */ };

// One key version with what the HSM needs to use it. `material` outlives the call.
struct HsmKey {
  KeyVersionId id;
  KeyType type{};
  const Material& material;
};

class Hsm {
 public:
  virtual ~Hsm() = default;

  // Generates inside the HSM and answers the material as the store keeps it.
  virtual Result<Material> generate(const KeyVersionId& id, KeyType type) = 0;

  // HMAC-SHA-256 of `input` under a secret key version.
  virtual Result<void> hmac(const HsmKey& key, ByteView input, std::span<Byte, kHmacBytes> out) = 0;

  // Signs `message` (hashed first where the scheme hashes) under a private key version.
  // ECDSA signatures are DER encoded, the others as their standard has them.
  virtual Result<Bytes> sign(const HsmKey& key, SignatureScheme scheme, ByteView message) = 0;

  virtual Result<void> random(ByteSpan out) = 0;

  // Drops what the HSM holds of a version: cached session object, and with `destroy` also the
  // token object of a key that lives there.
  virtual Result<void> forget(const HsmKey& key, bool destroy) = 0;

  // ECDSA P-256 with SHA-256, DER encoded, by one of the server's own keys.
  virtual Result<Bytes> sign_as(ServerKey key, ByteView message) = 0;
  // SubjectPublicKeyInfo DER of one of the server's own keys.
  virtual Result<Bytes> public_key_of(ServerKey key) = 0;

  // Succeeds when the token answers and the group key is there; reconnects if it can.
  virtual Result<void> check() = 0;
};

}  // namespace nae::keys
