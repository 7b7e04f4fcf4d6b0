#include "keyserver/keys/working_keys.hpp"

#include <algorithm>
#include <mutex>

#include "keyserver/keys/version_limits.hpp"
#include "libnae/crypto/kdf.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::keys {
namespace {

Result<const Version*> version_of(const Key& key, std::uint16_t number, KeyType type) {
  if (key.type != type)
    return fail(Code::key_type, "key '" + key.name + "' is an " + std::string(nae::name(key.type)) +
                                    " key, not " + std::string(nae::name(type)));
  if (key.protection == Protection::hsm_only)
    return fail(Code::key_type, "key '" + key.name + "' is hsm-only and has no working keys");
  const Version* version = key.version(number);
  if (!version)
    return fail(Code::key_unknown,
                "key '" + key.name + "' has no version " + std::to_string(number));
  return version;
}

// Of forgotten_, which counts up from 0.
constexpr std::uint64_t kNeverKept = ~std::uint64_t{0};

KeyType type_of(MacPurpose purpose) {
  return purpose == MacPurpose::search ? KeyType::aes_256_gcm : KeyType::hmac_sha_256;
}

template <class WorkingKey>
auto maker_of(const KeyVersionId& id) {
  return [id](const crypto::SecretBytes& secret) {
    return std::make_shared<const WorkingKey>(id, secret);
  };
}

}  // namespace

const crypto::KeyPurpose& key_purpose(MacPurpose purpose) {
  switch (purpose) {
    case MacPurpose::code:
      return crypto::kMacPurpose;
    case MacPurpose::blind_index:
      return crypto::kBlindIndexPurpose;
    case MacPurpose::search:
      return crypto::kSearchPurpose;
    case MacPurpose::blind_index_code:
      break;
  }
  return crypto::kBlindIndexCodePurpose;
}

std::size_t WorkingKeys::NameHash::operator()(const Name& name) const noexcept {
  std::uint64_t salt_bits = 0;  // salts are random already
  std::memcpy(&salt_bits, name.salt.data(), sizeof salt_bits);
  return std::hash<KeyVersionId>{}(name.id) ^
         (salt_bits * 31 + static_cast<std::size_t>(name.kind));
}

WorkingKeys::WorkingKeys(const crypto::GcmProvider& provider, Options options)
    : provider_(provider),
      options_(std::move(options)),
      ready_(std::max<std::size_t>(options_.capacity, 1), options_.max_age),
      derived_(options_.derived, options_.max_age) {
  options_.lease_limit = std::min(options_.lease_limit, kLeaseLimit);
}

template <class WorkingKey>
std::shared_ptr<const WorkingKey> WorkingKeys::find_ready(const Name& name,
                                                          Clock::time_point now) const {
  const auto found = ready_.find(name, now);
  return found ? std::static_pointer_cast<const WorkingKey>(found->value) : nullptr;
}

template <class WorkingKey, class Make>
std::shared_ptr<const WorkingKey> WorkingKeys::find(const Name& name, Make make) {
  const auto now = options_.now();
  {
    std::shared_lock reading(lock_);
    if (auto ready = find_ready<WorkingKey>(name, now)) return ready;
  }
  const std::uint64_t forgotten = mark();
  DerivedKey secret;
  std::string party;
  Clock::time_point born;
  {
    std::lock_guard one_at_a_time(derived_lock_);
    const auto found = derived_.find(name, now);
    if (!found) return nullptr;
    secret = found->value;
    party = found->party;
    born = found->born;
  }
  try {
    std::shared_ptr<const WorkingKey> made = make(*secret);
    keep_ready(name, party, born, made, forgotten);
    return made;
  } catch (const std::bad_alloc&) {
    // Locked memory is full. A connection's thread asks here and must not end of it: the HSM's
    // thread, which is asked instead, answers with a failure.
    return nullptr;
  }
}

template <class WorkingKey, class Make, class Derive>
Result<std::shared_ptr<const WorkingKey>> WorkingKeys::find_or_derive(
    const Name& name, const Key& key, const Version& version, std::string_view party, Keep wanted,
    Make make, Derive derive) {
  if (auto found = find<WorkingKey>(name, make)) return found;
  const std::uint64_t forgotten = mark_of(key, version);
  NAE_ASSIGN(crypto::SecretBytes derived, derive());
  const auto born = options_.now();
  const auto secret = std::make_shared<const crypto::SecretBytes>(std::move(derived));
  std::shared_ptr<const WorkingKey> made = make(*secret);
  keep_derived(name, party, born, secret, forgotten);
  if (wanted == Keep::yes) keep_ready(name, party, born, made, forgotten);
  return made;
}

auto WorkingKeys::maker_of_gcm(const KeyVersionId& id, const GcmSalt& salt) const {
  return [this, id, salt](const crypto::SecretBytes& secret) {
    return std::make_shared<const crypto::GcmWorkingKey>(provider_, id, salt, secret);
  };
}

std::shared_ptr<const crypto::GcmWorkingKey> WorkingKeys::find_gcm(const KeyVersionId& id,
                                                                   const GcmSalt& salt) {
  return find<crypto::GcmWorkingKey>(name_of(id, salt), maker_of_gcm(id, salt));
}

std::shared_ptr<const crypto::SivWorkingKey> WorkingKeys::find_siv(const KeyVersionId& id) {
  return find<crypto::SivWorkingKey>({id, Kind::siv, {}}, maker_of<crypto::SivWorkingKey>(id));
}

std::shared_ptr<const crypto::MacWorkingKey> WorkingKeys::find_mac(const KeyVersionId& id,
                                                                   MacPurpose purpose) {
  return find<crypto::MacWorkingKey>({id, kind_of(purpose), {}},
                                     maker_of<crypto::MacWorkingKey>(id));
}

std::shared_ptr<WorkingKeys::Encryption> WorkingKeys::live_encryption(
    const KeyVersionId& id) const {
  const auto found = encryptions_.find(id);
  const bool is_live = found != encryptions_.end() &&
                       options_.now() - found->second->born < options_.max_age &&
                       found->second->generation == options_.image->generation();
  return is_live ? found->second : nullptr;
}

std::optional<EncryptLease> WorkingKeys::take(Encryption& from,
                                              std::shared_ptr<const crypto::GcmWorkingKey> key,
                                              std::uint32_t items) const {
  EncryptLease lease{std::move(key)};
  if (!crypto::fresh_random(lease.random)) return std::nullopt;
  // Compare and exchange, not add: a refused lease leaves the counter where it was, so it can
  // neither pass the limit nor wrap to numbers already used.
  std::uint32_t first = from.next.load(std::memory_order_relaxed);
  do {
    if (items > options_.lease_limit - first) return std::nullopt;
  } while (!from.next.compare_exchange_weak(first, first + items, std::memory_order_relaxed));
  lease.first_counter = first;
  return lease;
}

std::optional<EncryptLease> WorkingKeys::lease(const KeyVersionId& id, std::uint32_t items) {
  std::shared_ptr<Encryption> encryption;
  std::shared_ptr<const crypto::GcmWorkingKey> key;
  {
    std::shared_lock reading(lock_);
    encryption = live_encryption(id);
    if (!encryption) return std::nullopt;
    key = find_ready<crypto::GcmWorkingKey>(name_of(id, encryption->salt), options_.now());
  }
  if (!key) key = find_gcm(id, encryption->salt);
  return key ? take(*encryption, std::move(key), items) : std::nullopt;
}

Result<std::shared_ptr<const crypto::GcmWorkingKey>> WorkingKeys::derive_gcm(
    KeyDeriver& deriver, const Key& key, std::uint16_t version, const GcmSalt& salt,
    std::string_view party, Keep wanted) {
  NAE_ASSIGN(const Version* source, version_of(key, version, KeyType::aes_256_gcm));
  const KeyVersionId id{key.id, version};
  return find_or_derive<crypto::GcmWorkingKey>(
      name_of(id, salt), key, *source, party, wanted, maker_of_gcm(id, salt), [&] {
        return deriver.derive(hsm_key(key, *source), crypto::gcm_purpose(salt.format), salt.bytes);
      });
}

Result<std::shared_ptr<const crypto::SivWorkingKey>> WorkingKeys::derive_siv(KeyDeriver& deriver,
                                                                             const Key& key,
                                                                             std::uint16_t version,
                                                                             std::string_view party,
                                                                             Keep wanted) {
  NAE_ASSIGN(const Version* source, version_of(key, version, KeyType::aes_256_siv));
  const KeyVersionId id{key.id, version};
  return find_or_derive<crypto::SivWorkingKey>(
      {id, Kind::siv, {}}, key, *source, party, wanted, maker_of<crypto::SivWorkingKey>(id),
      [&] { return deriver.derive(hsm_key(key, *source), crypto::kSivPurpose, crypto::kNoSalt); });
}

Result<std::shared_ptr<const crypto::MacWorkingKey>> WorkingKeys::derive_mac(
    KeyDeriver& deriver, const Key& key, std::uint16_t version, MacPurpose purpose,
    std::string_view party) {
  NAE_ASSIGN(const Version* source, version_of(key, version, type_of(purpose)));
  const KeyVersionId id{key.id, version};
  return find_or_derive<crypto::MacWorkingKey>(
      {id, kind_of(purpose), {}}, key, *source, party, Keep::yes,
      maker_of<crypto::MacWorkingKey>(id),
      [&] { return deriver.derive(hsm_key(key, *source), key_purpose(purpose), crypto::kNoSalt); });
}

Result<EncryptLease> WorkingKeys::begin_encryption(KeyDeriver& deriver, const Key& key,
                                                   std::uint16_t version, std::uint32_t items,
                                                   std::string_view party) {
  if (items > options_.lease_limit)
    return fail(Code::too_many_items, "more items than one salt may encrypt");
  NAE_ASSIGN(const Version* source, version_of(key, version, KeyType::aes_256_gcm));
  const KeyVersionId id{key.id, version};
  if (auto live = lease(id, items)) return *live;
  std::shared_ptr<Encryption> evicted;
  {
    std::shared_lock reading(lock_);
    evicted = live_encryption(id);
  }
  if (evicted) {
    NAE_ASSIGN(auto again, derive_gcm(deriver, key, version, evicted->salt, party));
    if (auto lease = take(*evicted, std::move(again), items)) return *lease;
  }
  return under_fresh_salt(deriver, key, *source, items, party);
}

Result<EncryptLease> WorkingKeys::under_fresh_salt(KeyDeriver& deriver, const Key& key,
                                                   const Version& version, std::uint32_t items,
                                                   std::string_view party) {
  NAE_TRY(check_salts(key, version));
  const KeyVersionId id{key.id, version.number};
  const std::uint64_t forgotten = mark_of(key, version);
  auto encryption = std::make_shared<Encryption>();
  encryption->generation = options_.image->generation();
  const ByteSpan salt = ByteSpan(encryption->salt.bytes).first(kLeaseSaltBytes);
  NAE_TRY(deriver.random(salt));
  NAE_TRY(crypto::mix_fresh_random(salt));
  if (version.usage) version.usage->add_salt();
  NAE_ASSIGN(auto derived, derive_gcm(deriver, key, version.number, encryption->salt, party));
  encryption->born = options_.now();
  // Taken before others can see it: this lease cannot come too late for its own salt.
  auto mine = take(*encryption, std::move(derived), items);
  if (!mine) return fail(Code::internal, "the random generator failed");
  std::unique_lock writing(lock_);
  // As in keep(): of a version that was forgotten meanwhile nobody else encrypts.
  if (forgotten_.load() == forgotten) encryptions_.insert_or_assign(id, std::move(encryption));
  return std::move(*mine);
}

std::uint64_t WorkingKeys::mark() const {
  const std::uint64_t forgotten = forgotten_.load();
  // In this order: what began and ended between the two has counted.
  return forgetting_.load() == 0 ? forgotten : kNeverKept;
}

// In this order: a version that changes after the look is forgotten after it.
std::uint64_t WorkingKeys::mark_of(const Key& key, const Version& version) const {
  const std::uint64_t forgotten = mark();
  if (!options_.find_key) return forgotten;
  const auto now = options_.find_key(key.id);
  const Version* found = now ? now->version(version.number) : nullptr;
  return found && found->state == version.state ? forgotten : kNeverKept;
}

// A version forgotten while its key was being derived must not come back: the caller may use this
// one, nobody else will.
void WorkingKeys::keep_ready(const Name& name, std::string_view party, Clock::time_point born,
                             ReadyKey key, std::uint64_t forgotten) {
  const auto now = options_.now();
  std::unique_lock writing(lock_);
  if (forgotten_.load() == forgotten) ready_.insert(name, party, std::move(key), born, now);
}

void WorkingKeys::keep_derived(const Name& name, std::string_view party, Clock::time_point born,
                               DerivedKey key, std::uint64_t forgotten) {
  std::lock_guard one_at_a_time(derived_lock_);
  if (forgotten_.load() == forgotten) derived_.insert(name, party, std::move(key), born, born);
}

// What was derived first: who has found it there since keeps nothing any more, or has kept it
// before the second part. Who looks between the two keeps nothing either.
template <class Predicate>
void WorkingKeys::erase_where(Predicate gone, std::uint64_t forgotten) {
  const auto gone_of_name = [&](const Name& name, Clock::time_point born) {
    return gone(name.id, born);
  };
  forgetting_.fetch_add(forgotten);
  {
    std::lock_guard one_at_a_time(derived_lock_);
    forgotten_.fetch_add(forgotten);
    derived_.erase_if(gone_of_name);
  }
  {
    std::unique_lock writing(lock_);
    forgotten_.fetch_add(forgotten);
    ready_.erase_if(gone_of_name);
    std::erase_if(encryptions_, [&](const auto& e) { return gone(e.first, e.second->born); });
  }
  forgetting_.fetch_sub(forgotten);
}

void WorkingKeys::forget(const KeyVersionId& id) {
  erase_where([&](const KeyVersionId& other, Clock::time_point) { return other == id; }, 1);
}

void WorkingKeys::forget(const KeyId& key) {
  erase_where([&](const KeyVersionId& other, Clock::time_point) { return other.key == key; }, 1);
}

void WorkingKeys::expire() {
  const auto now = options_.now();
  erase_where(
      [&](const KeyVersionId&, Clock::time_point born) { return now - born >= options_.max_age; },
      0);
}

std::size_t WorkingKeys::size() const {
  std::shared_lock reading(lock_);
  return ready_.size();
}

std::size_t WorkingKeys::derived_size() const {
  std::lock_guard one_at_a_time(derived_lock_);
  return derived_.size();
}

}  // namespace nae::keys
