// WorkingKeys: the working keys that connection threads encrypt with, derived inside the HSM and
// kept here for a bounded time in bounded number, fairly shared. They are kept twice: a thousand
// ready for use, with round keys and tables, and many more as they were derived, from which one is
// made ready in a microsecond where the HSM takes a hundred. find_* and lease() never touch the
// HSM; derive_* and begin_encryption() run on the HSM's thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "keyserver/keys/fair_cache.hpp"
#include "keyserver/keys/key.hpp"
#include "keyserver/keys/key_deriver.hpp"
#include "keyserver/keys/process_image.hpp"
#include "libnae/crypto/kdf.hpp"
#include "libnae/crypto/working_key.hpp"
#include "libnae/envelope/envelope.hpp"

namespace nae::keys {

// Whether a key that was derived stays ready for others to find. As it was derived it does.
enum class Keep : std::uint8_t { yes, no };

inline constexpr std::size_t kReadyKeyBytes = 2048;  // of locked memory, about, at most
inline constexpr std::size_t kDerivedKeyBytes = 64;  // AES-SIV's; the others have 32

// blind_index: 16 bytes without a header; blind_index_code: format 2. search is of keys that
// encrypt, the others of keys that make codes.
enum class MacPurpose : std::uint8_t { code, blind_index, blind_index_code, search };
const crypto::KeyPurpose& key_purpose(MacPurpose purpose);

// Counters first_counter to first_counter + items - 1 under `key` belong to the holder alone: each
// is a part of a GCM nonce and must be used at most once. `random` is the lease's own part: drawn
// from outside of this process when the lease is taken, so that a process that was copied with salt
// and counter makes other nonces than its copy.
struct EncryptLease {
  std::shared_ptr<const crypto::GcmWorkingKey> key;
  Lease random{};
  std::uint32_t first_counter = 0;
  crypto::LeaseCounter at(std::uint32_t item) const { return {random, first_counter + item}; }
};

// Values under one salt: what the three bytes of a counter hold.
inline constexpr std::uint32_t kLeaseLimit = std::uint32_t{1} << (8 * kLeaseCounterBytes);

class WorkingKeys {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    std::size_t capacity = 1024;                      // ready for use, of all kinds together
    std::size_t derived = 16384;                      // as they were derived
    Clock::duration max_age = std::chrono::hours(1);  // since it was derived; of a salt
    std::uint32_t lease_limit = kLeaseLimit;          // lower only
    std::function<Clock::time_point()> now = Clock::now;
    // Salts of another generation are not encrypted under.
    // The key as it stands now: what is derived of a version that was in another state when the
    // work was made is not kept. Empty: every version stays as it was.
    std::function<std::shared_ptr<const Key>(const KeyId&)> find_key = {};
    std::shared_ptr<const ProcessImage> image = std::make_shared<const ProcessImage>();
  };

  // `provider` outlives this.
  explicit WorkingKeys(const crypto::GcmProvider& provider) : WorkingKeys(provider, Options{}) {}
  WorkingKeys(const crypto::GcmProvider& provider, Options options);

  // nullptr when neither form is here: derive it on the HSM's thread. Safe from any thread.
  std::shared_ptr<const crypto::GcmWorkingKey> find_gcm(const KeyVersionId& id,
                                                        const GcmSalt& salt);
  std::shared_ptr<const crypto::SivWorkingKey> find_siv(const KeyVersionId& id);
  std::shared_ptr<const crypto::MacWorkingKey> find_mac(const KeyVersionId& id, MacPurpose purpose);

  // Nothing when no salt is live, or its working key is not here, or `items` would pass the limit
  // of uses: call begin_encryption() then. Safe from any thread.
  std::optional<EncryptLease> lease(const KeyVersionId& id, std::uint32_t items);

  // `party`: on whose behalf, such as a device. Each first looks whether an earlier job has made
  // it. Code::key_unknown when the key has no such version, Code::key_type when the key is of
  // another type; what the HSM fails with otherwise.
  Result<std::shared_ptr<const crypto::GcmWorkingKey>> derive_gcm(
      KeyDeriver& deriver, const Key& key, std::uint16_t version, const GcmSalt& salt,
      std::string_view party = {}, Keep keep = Keep::yes);
  Result<std::shared_ptr<const crypto::SivWorkingKey>> derive_siv(KeyDeriver& deriver,
                                                                  const Key& key,
                                                                  std::uint16_t version,
                                                                  std::string_view party = {},
                                                                  Keep keep = Keep::yes);
  Result<std::shared_ptr<const crypto::MacWorkingKey>> derive_mac(KeyDeriver& deriver,
                                                                  const Key& key,
                                                                  std::uint16_t version,
                                                                  MacPurpose purpose,
                                                                  std::string_view party = {});
  // A lease, under a fresh random salt unless a live one has room: a salt outlives its working key
  // in the cache, which is derived again. Code::too_many_items when `items` is over the limit of
  // uses by itself, Code::key_exhausted when the version has drawn all its salts.
  Result<EncryptLease> begin_encryption(KeyDeriver& deriver, const Key& key, std::uint16_t version,
                                        std::uint32_t items, std::string_view party = {});

  // Drops every working key of a version or key; call when it was restricted, retired or destroyed,
  // after the ring has changed. Holders of a shared_ptr finish what they have begun.
  void forget(const KeyVersionId& id);
  void forget(const KeyId& key);
  // Drops what is too old; call now and then, so that keys leave memory without traffic too.
  void expire();

  std::size_t size() const;          // ready for use
  std::size_t derived_size() const;  // as they were derived

 private:
  enum class Kind : std::uint8_t {
    gcm,
    gcm_lease,
    siv,
    mac,
    blind_index,
    blind_index_code,
    search
  };
  struct Name {
    KeyVersionId id;
    Kind kind{};
    Salt salt{};
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct NameHash {
    std::size_t operator()(const Name& name) const noexcept;
  };
  // A salt that is encrypted under, and where its counter stands. The working key is the cache's.
  struct Encryption {
    GcmSalt salt;
    Clock::time_point born;
    std::uint64_t generation;  // of the process image
    std::atomic<std::uint32_t> next{0};
  };
  using ReadyKey = std::shared_ptr<const void>;
  using DerivedKey = std::shared_ptr<const crypto::SecretBytes>;

  static Kind kind_of(MacPurpose purpose) {
    switch (purpose) {
      case MacPurpose::code:
        return Kind::mac;
      case MacPurpose::blind_index:
        return Kind::blind_index;
      case MacPurpose::search:
        return Kind::search;
      case MacPurpose::blind_index_code:
        break;
    }
    return Kind::blind_index_code;
  }
  static Name name_of(const KeyVersionId& id, const GcmSalt& salt) {
    return {id, salt.format == Format::aes_256_gcm ? Kind::gcm : Kind::gcm_lease, salt.bytes};
  }
  // What is ready, or is made so from what was derived: `make(secret)` is the working key.
  template <class WorkingKey, class Make>
  std::shared_ptr<const WorkingKey> find(const Name& name, Make make);
  // The same, or a new one: `derive()` is its secret.
  template <class WorkingKey, class Make, class Derive>
  Result<std::shared_ptr<const WorkingKey>> find_or_derive(const Name& name, const Key& key,
                                                           const Version& version,
                                                           std::string_view party, Keep wanted,
                                                           Make make, Derive derive);
  template <class WorkingKey>
  std::shared_ptr<const WorkingKey> find_ready(const Name& name, Clock::time_point now) const;
  auto maker_of_gcm(const KeyVersionId& id, const GcmSalt& salt) const;
  // What forgotten_ has to be still when something is kept that is found or made from now on: of
  // a version that has changed since `key` was read, and while another is being forgotten, a number
  // that it never is.
  std::uint64_t mark() const;
  std::uint64_t mark_of(const Key& key, const Version& version) const;
  // Neither is kept when a forget() happened since mark() answered `forgotten`.
  void keep_ready(const Name& name, std::string_view party, Clock::time_point born, ReadyKey key,
                  std::uint64_t forgotten);
  void keep_derived(const Name& name, std::string_view party, Clock::time_point born,
                    DerivedKey key, std::uint64_t forgotten);
  std::shared_ptr<Encryption> live_encryption(const KeyVersionId& id) const;
  std::optional<EncryptLease> take(Encryption& from,
                                   std::shared_ptr<const crypto::GcmWorkingKey> key,
                                   std::uint32_t items) const;
  Result<EncryptLease> under_fresh_salt(KeyDeriver& deriver, const Key& key, const Version& version,
                                        std::uint32_t items, std::string_view party);
  // `gone(id, born)`; `forgotten`: 1 when what goes must not come back, 0 when it is only too old.
  template <class Predicate>
  void erase_where(Predicate gone, std::uint64_t forgotten);

  const crypto::GcmProvider& provider_;
  Options options_;
  mutable std::shared_mutex lock_;  // of ready_ and encryptions_
  FairCache<Name, NameHash, ReadyKey> ready_;
  std::unordered_map<KeyVersionId, std::shared_ptr<Encryption>> encryptions_;
  mutable std::mutex derived_lock_;  // never together with lock_
  FairCache<Name, NameHash, DerivedKey> derived_;
  // Counts up under each lock, when what was forgotten is erased there.
  std::atomic<std::uint64_t> forgotten_{0};
  std::atomic<std::uint64_t> forgetting_{0};  // so many forget() are between their two parts
};

}  // namespace nae::keys
