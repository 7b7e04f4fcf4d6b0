// Pkcs11Hsm: keys::Hsm over any PKCS#11 2.40 module (OASIS, pkcs11-base-v2.40). One session, logged
// in once, used from one thread. A lost session or device is reopened and the operation repeated
// once; a rejected PIN is never tried again, because tokens lock after a few.
#pragma once

#include <array>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "keyserver/keys/hsm.hpp"

namespace nae::pkcs11 {
class Module;
class Session;
}  // namespace nae::pkcs11

namespace nae::hsm {

struct Options {
  std::filesystem::path module;   // the PKCS#11 library
  std::string module_parameters;  // for its C_Initialize; most take none
  std::string token_label;
  std::filesystem::path pin_file;  // of the user PIN; readable by its owner alone
  std::string group_key_label = "nae-group";
  std::size_t cached_keys = 4096;  // unwrapped session objects held at a time
};

// Labels of the token objects beside the group key.
std::string label_of(keys::ServerKey key, const std::string& group_key_label);
std::string import_key_label(const std::string& group_key_label);

class Pkcs11Hsm final : public keys::Hsm {
 public:
  // Code::hsm_module_missing, hsm_token_missing, hsm_pin_rejected, group_key_missing, file_failed
  // for the PIN file, hsm_unavailable.
  static Result<std::unique_ptr<Pkcs11Hsm>> open(Options options);
  // Not connected yet: check() does it, with the errors above. Who keeps it over failed attempts
  // tries no PIN twice.
  static std::unique_ptr<Pkcs11Hsm> prepare(Options options);
  // What open() needs whether or not the device is there: PIN file, label and module. No login.
  static Result<void> check_options(const Options& options);
  ~Pkcs11Hsm() override;
  Pkcs11Hsm(const Pkcs11Hsm&) = delete;
  Pkcs11Hsm& operator=(const Pkcs11Hsm&) = delete;

  Result<keys::Material> generate(const KeyVersionId& id, KeyType type,
                                  keys::Protection protection = keys::Protection::wrapped) override;
  Result<keys::ImportKey> import_key() override;
  Result<keys::Material> import(const KeyVersionId& id, KeyType type, keys::Protection protection,
                                const keys::Import& sent) override;
  Result<crypto::SecretBytes> derive(const keys::HsmKey& key, const crypto::KeyPurpose& purpose,
                                     const Salt& salt) override;
  Result<void> mac(const keys::HsmKey& key, const crypto::KeyPurpose& purpose, ByteView data,
                   std::span<Byte, keys::kHmacBytes> out) override;
  Result<void> seal(const keys::HsmKey& key, ByteView aad, ByteView plaintext,
                    ByteSpan envelope) override;
  Result<void> open(const keys::HsmKey& key, const EnvelopeView& envelope, ByteView aad,
                    ByteSpan plaintext) override;
  Result<Bytes> cipher(const keys::HsmKey& key, const keys::CipherCall& call) override;
  // Code::key_type when the scheme does not fit the key, unsupported when it may only verify,
  // store_corrupt when the wrapped material is not what the group key wrapped.
  Result<Bytes> sign(const keys::HsmKey& key, SignatureScheme scheme, ByteView message) override;
  Result<Bytes> sign_digest(const keys::HsmKey& key, SignatureScheme scheme,
                            ByteView digest) override;
  Result<Bytes> decrypt(const keys::HsmKey& key, DecryptionScheme scheme, ByteView ciphertext,
                        ByteView label) override;
  Result<Bytes> agree(const keys::HsmKey& key, ByteView point) override;
  Result<void> random(ByteSpan out) override;
  Result<Bytes> check_value(KeyType type, const keys::Material& material) override;
  Result<bool> binds() override;
  Result<void> begin_binding() override;
  Result<void> finish_binding() override;
  Result<bool> has_ledger() override;
  Result<void> begin_ledger() override;
  Result<void> finish_ledger() override;
  Result<crypto::SecretBytes> ledger_key(std::string_view store) override;
  Result<bool> holds(const keys::HsmKey& key) override;
  Result<void> forget(const keys::HsmKey& key, bool destroy) override;
  Result<Bytes> sign_as(keys::ServerKey key, ByteView message) override;
  Result<Bytes> public_key_of(keys::ServerKey key) override;
  Result<void> check() override;

 private:
  using ObjectHandle = unsigned long;  // CK_OBJECT_HANDLE
  struct CachedKey {
    KeyVersionId id;
    ObjectHandle object;
    bool on_token;  // outlives the session: evicted without being destroyed
  };

  explicit Pkcs11Hsm(Options options);
  Result<void> connect();
  // Runs `operation` on a live session; once more on a new one when the session was lost.
  template <class Operation>
  auto on_session(Operation operation) -> decltype(operation()) {
    if (!session_) NAE_TRY(connect());
    auto result = operation();
    if (result || result.error().code != Code::hsm_unavailable) return result;
    NAE_TRY(connect());
    return operation();
  }
  Result<ObjectHandle> object_of(const keys::HsmKey& key);
  Result<keys::Material> generate_wrapped(const KeyVersionId& id, KeyType type,
                                          keys::Protection protection);
  Result<keys::Material> generate_on_token(const KeyVersionId& id, KeyType type);
  Result<ObjectHandle> check_key();
  Result<void> finish(const std::string& label);
  Result<ObjectHandle> import_half(unsigned long object_class);
  Result<HashAlgorithm> probe_import_hash(ByteView public_key);
  Result<void> hmac(const keys::HsmKey& key, ByteView input, std::span<Byte, keys::kHmacBytes> out);
  Result<void> prove_pair(const keys::HsmKey& key);
  Result<bool> is_pair_of(const keys::HsmKey& key);
  Result<void> prove_secret(const keys::HsmKey& key);
  Result<void> refuse_constant(const keys::HsmKey& key, std::size_t least, std::size_t most);
  Result<void> remember(CachedKey key);
  Result<void> drop(const KeyVersionId& id);

  Options options_;
  std::unique_ptr<pkcs11::Module> module_;
  std::unique_ptr<pkcs11::Session> session_;  // nullptr while the token is away
  ObjectHandle group_key_ = 0;
  ObjectHandle check_key_ = 0;                 // 0: not looked up yet
  std::array<ObjectHandle, 3> server_keys_{};  // private halves; 0: not looked up yet
  std::list<CachedKey> recent_;                // most recently used first
  std::unordered_map<KeyVersionId, std::list<CachedKey>::iterator> cached_;
  std::optional<HashAlgorithm> import_hash_;  // that the module takes for OAEP
  std::string rejected_pin_;                  // which state of the PIN file was refused
};

}  // namespace nae::hsm
