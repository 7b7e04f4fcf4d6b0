// What the key server needs of a hardware security module. keyserver/hsm/ implements it over
// PKCS#11; nothing above knows that. Every call may block for the module's pleasure and comes from
// the HSM queue's one thread, so implementations hold no locks.
#pragma once

#include <array>

#include "keyserver/keys/key_deriver.hpp"
#include "libnae/envelope/envelope.hpp"

namespace nae::keys {

inline constexpr std::size_t kHmacBytes = 32;

// Keys of the server itself: token objects that never leave the HSM. ECDSA P-256.
enum class ServerKey : std::size_t {
  authority,  // issues certificates
  audit,      // signs chain heads
  binding,    // signs which secret a row of the store is for (keys/binding.hpp)
};
inline constexpr ServerKey kServerKeys[] = {ServerKey::authority, ServerKey::audit,
                                            ServerKey::binding};

// What others wrap keys for us with: RSA-OAEP, its MGF1 and label hash being `hash`, no label.
struct ImportKey {
  Bytes public_key;  // SubjectPublicKeyInfo DER
  HashAlgorithm hash{};
};

// A key that was made elsewhere. docs/spec/import.md.
struct Import {
  Bytes wrapped;     // RSA-OAEP of an AES-256 key, then AES-KWP of the material under that
  Bytes public_key;  // SubjectPublicKeyInfo DER of a private key, else empty
};
// An RSA-4096 private key in PKCS#8 takes about 2,400 bytes.
inline constexpr std::size_t kMaxImportBytes = 8192;

// What a key of AES is asked for by a mode that the caller names.
struct CipherCall {
  CipherMode mode{};
  bool encrypts = false;
  ByteView iv;   // the caller's: of CTR the first counter, of KW none
  ByteView aad;  // of GCM
  ByteView data;
};

class Hsm : public KeyDeriver {
 public:
  // Generates inside the HSM and answers the material as the store keeps it.
  virtual Result<Material> generate(const KeyVersionId& id, KeyType type,
                                    Protection protection = Protection::wrapped) = 0;

  // Made at the first call: a token object of this HSM alone.
  virtual Result<ImportKey> import_key() = 0;
  // Unwraps inside the HSM and answers the material as the store keeps it.
  // Code::authentication_failed, whatever was wrong with the wrapping; Code::invalid_argument when
  // the public key is not the private key's, or a secret has not the length of its type.
  virtual Result<Material> import(const KeyVersionId& id, KeyType type, Protection protection,
                                  const Import& sent) = 0;

  // Writes a whole envelope of Format::aes_256_gcm_hsm under an hsm-only AES-256-GCM key;
  // `envelope` is exactly the plaintext's size plus kHsmGcmOverheadBytes. Nonces are
  // random.
  virtual Result<void> seal(const HsmKey& key, ByteView aad, ByteView plaintext,
                            ByteSpan envelope) = 0;
  // `plaintext` is as long as the ciphertext. Code::authentication_failed when the envelope or
  // `aad` was changed; `plaintext` is then untouched.
  virtual Result<void> open(const HsmKey& key, const EnvelopeView& envelope, ByteView aad,
                            ByteSpan plaintext) = 0;

  // By a mode of the caller's choice, under a key that takes one. A ciphertext of GCM ends with its
  // tag. Code::invalid_argument for an IV or data of a length that the mode does not take, and for
  // a counter that would begin again; Code::authentication_failed for what does not open, without a
  // reason; Code::key_type for other keys, Code::unsupported where the HSM has not the mode.
  virtual Result<Bytes> cipher(const HsmKey& key, const CipherCall& call) = 0;

  // The code that leaves the server: plain HMAC-SHA-256 under hmac-sha-256-raw, one of
  // crypto::separated_input() under hsm-only hmac-sha-256. Code::key_type for everything else.
  virtual Result<void> mac(const HsmKey& key, const crypto::KeyPurpose& purpose, ByteView data,
                           std::span<Byte, kHmacBytes> out) = 0;

  // Signs `message` (hashed first where the scheme hashes) under a private key version.
  // ECDSA signatures are DER encoded, the others as their standard has them.
  virtual Result<Bytes> sign(const HsmKey& key, SignatureScheme scheme, ByteView message) = 0;
  // The same signature, of a message whose digest by the scheme's hash is `digest`.
  // Code::unsupported for a scheme that takes the message itself, Code::invalid_argument for a
  // digest of another length.
  virtual Result<Bytes> sign_digest(const HsmKey& key, SignatureScheme scheme, ByteView digest) = 0;

  // What was encrypted to the public half of a pair that decrypts; `label` is OAEP's, and empty by
  // PKCS #1 v1.5. Code::invalid_argument for a ciphertext of another length than the modulus or not
  // below it, which everybody sees; Code::authentication_failed for one that OAEP does not open,
  // without a reason; PKCS #1 v1.5 opens everything (crypto/rsa_padding.hpp). Code::key_type for
  // other keys, Code::unsupported where the HSM cannot do it by this scheme.
  virtual Result<Bytes> decrypt(const HsmKey& key, DecryptionScheme scheme, ByteView ciphertext,
                                ByteView label) = 0;
  // The x-coordinate of ECDH with `point`, 0x04 || X || Y, or X25519 of 32 bytes, under a pair that
  // derives. Code::invalid_argument for what is no point of its curve, or agrees on zero;
  // Code::key_type for other keys.
  virtual Result<Bytes> agree(const HsmKey& key, ByteView point) = 0;

  // 32 bytes that are the same for the same secret or public key, whatever its type, id and
  // version, and nothing that any other call answers. Code::store_corrupt for a secret that the
  // group key does not open.
  virtual Result<Bytes> check_value(KeyType type, const Material& material) = 0;
  // Whether this token's store is bound: then a row without a binding is no key. A token made by
  // an older server is not, until begin_binding(), all rows bound, and finish_binding().
  virtual Result<bool> binds() = 0;
  virtual Result<void> begin_binding() = 0;   // makes the keys for it, once
  virtual Result<void> finish_binding() = 0;  // never taken back

  // Whether this token's store has a ledger (keyserver/store/ledger.hpp): then one without it is
  // none. A token made by an older server has not, until begin_ledger(), all rows adopted, and
  // finish_ledger().
  virtual Result<bool> has_ledger() = 0;
  virtual Result<void> begin_ledger() = 0;   // makes the key for it, once
  virtual Result<void> finish_ledger() = 0;  // never taken back
  // The key that changes of the ledger of this store are authenticated with: HMAC-SHA-256 by a key
  // of the token that does nothing else, over a constant and `store`. It stays in the server's
  // locked memory, so that a revocation waits for no HSM.
  virtual Result<crypto::SecretBytes> ledger_key(std::string_view store) = 0;

  // Whether this token has what the version needs. False for a key of another token that could not
  // leave it.
  virtual Result<bool> holds(const HsmKey& key) = 0;
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
