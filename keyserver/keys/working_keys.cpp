#include "keyserver/keys/working_keys.hpp"

#include <algorithm>
#include <map>
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

KeyType type_of(MacPurpose purpose) {
  return purpose == MacPurpose::search ? KeyType::aes_256_gcm : KeyType::hmac_sha_256;
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
    : provider_(provider), options_(std::move(options)) {
  options_.capacity = std::max<std::size_t>(options_.capacity, 1);
  options_.lease_limit = std::min(options_.lease_limit, kLeaseLimit);
}

std::shared_ptr<const void> WorkingKeys::find(const Name& name) const {
  std::shared_lock reading(lock_);
  return find_locked(name);
}

std::shared_ptr<const void> WorkingKeys::find_locked(const Name& name) const {
  const auto now = options_.now();
  const auto found = cached_.find(name);
  if (found == cached_.end() || now - found->second.born >= options_.max_age) return nullptr;
  found->second.used.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  return found->second.key;
}

std::shared_ptr<const crypto::GcmWorkingKey> WorkingKeys::find_gcm(const KeyVersionId& id,
                                                                   const GcmSalt& salt) const {
  return std::static_pointer_cast<const crypto::GcmWorkingKey>(find(name_of(id, salt)));
}

std::shared_ptr<const crypto::SivWorkingKey> WorkingKeys::find_siv(const KeyVersionId& id) const {
  return std::static_pointer_cast<const crypto::SivWorkingKey>(find({id, Kind::siv, {}}));
}

std::shared_ptr<const crypto::MacWorkingKey> WorkingKeys::find_mac(const KeyVersionId& id,
                                                                   MacPurpose purpose) const {
  return std::static_pointer_cast<const crypto::MacWorkingKey>(find({id, kind_of(purpose), {}}));
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
  std::shared_lock reading(lock_);
  const auto encryption = live_encryption(id);
  if (!encryption) return std::nullopt;
  auto key = std::static_pointer_cast<const crypto::GcmWorkingKey>(
      find_locked(name_of(id, encryption->salt)));
  return key ? take(*encryption, std::move(key), items) : std::nullopt;
}

Result<std::shared_ptr<const crypto::GcmWorkingKey>> WorkingKeys::derive_gcm(
    KeyDeriver& deriver, const Key& key, std::uint16_t version, const GcmSalt& salt,
    std::string_view party, Keep wanted) {
  NAE_ASSIGN(const Version* source, version_of(key, version, KeyType::aes_256_gcm));
  const KeyVersionId id{key.id, version};
  if (auto found = find_gcm(id, salt)) return found;
  const std::uint64_t forgotten = forgotten_.load();
  NAE_ASSIGN(crypto::SecretBytes secret,
             deriver.derive(hsm_key(key, *source), crypto::gcm_purpose(salt.format), salt.bytes));
  auto made = std::make_shared<const crypto::GcmWorkingKey>(provider_, id, salt, secret);
  if (wanted == Keep::yes) keep(name_of(id, salt), party, made, forgotten);
  return made;
}

Result<std::shared_ptr<const crypto::SivWorkingKey>> WorkingKeys::derive_siv(KeyDeriver& deriver,
                                                                             const Key& key,
                                                                             std::uint16_t version,
                                                                             std::string_view party,
                                                                             Keep wanted) {
  NAE_ASSIGN(const Version* source, version_of(key, version, KeyType::aes_256_siv));
  const KeyVersionId id{key.id, version};
  if (auto found = find_siv(id)) return found;
  const std::uint64_t forgotten = forgotten_.load();
  NAE_ASSIGN(crypto::SecretBytes secret,
             deriver.derive(hsm_key(key, *source), crypto::kSivPurpose, crypto::kNoSalt));
  auto made = std::make_shared<const crypto::SivWorkingKey>(id, secret);
  if (wanted == Keep::yes) keep({id, Kind::siv, {}}, party, made, forgotten);
  return made;
}

Result<std::shared_ptr<const crypto::MacWorkingKey>> WorkingKeys::derive_mac(
    KeyDeriver& deriver, const Key& key, std::uint16_t version, MacPurpose purpose,
    std::string_view party) {
  NAE_ASSIGN(const Version* source, version_of(key, version, type_of(purpose)));
  const KeyVersionId id{key.id, version};
  if (auto found = find_mac(id, purpose)) return found;
  const std::uint64_t forgotten = forgotten_.load();
  NAE_ASSIGN(crypto::SecretBytes secret,
             deriver.derive(hsm_key(key, *source), key_purpose(purpose), crypto::kNoSalt));
  auto made = std::make_shared<const crypto::MacWorkingKey>(id, secret);
  keep({id, kind_of(purpose), {}}, party, made, forgotten);
  return made;
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
  const std::uint64_t forgotten = forgotten_.load();
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

void WorkingKeys::keep(const Name& name, std::string_view party, std::shared_ptr<const void> key,
                       std::uint64_t forgotten) {
  const auto now = options_.now();
  std::unique_lock writing(lock_);
  // A version forgotten while its key was being derived must not come back: the caller may use this
  // one, nobody else will.
  if (forgotten_.load() != forgotten) return;
  if (cached_.size() >= options_.capacity && !cached_.contains(name)) evict_one();
  Entry& entry = cached_[name];
  entry.party = party;
  entry.key = std::move(key);
  entry.born = now;
  entry.used.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

// Of the party that has most, the one that was not used for longest: who asks for ever more keys
// displaces its own as soon as it has more than others. A scan of a thousand entries costs less
// than the HSM call that made it necessary.
void WorkingKeys::evict_one() {
  std::map<std::string_view, std::size_t> shares;
  for (const auto& [name, entry] : cached_) ++shares[entry.party];
  const auto largest =
      std::ranges::max_element(shares, {}, [](const auto& share) { return share.second; });
  auto oldest = cached_.end();
  for (auto entry = cached_.begin(); entry != cached_.end(); ++entry)
    if (entry->second.party == largest->first &&
        (oldest == cached_.end() || entry->second.used.load(std::memory_order_relaxed) <
                                        oldest->second.used.load(std::memory_order_relaxed)))
      oldest = entry;
  if (oldest == cached_.end()) return;
  cached_.erase(oldest);
}

template <class Predicate>
void WorkingKeys::erase_where(Predicate gone) {
  std::unique_lock writing(lock_);
  std::erase_if(cached_, [&](const auto& e) { return gone(e.first.id, e.second.born); });
  std::erase_if(encryptions_, [&](const auto& e) { return gone(e.first, e.second->born); });
}

void WorkingKeys::forget(const KeyVersionId& id) {
  forgotten_.fetch_add(1);
  erase_where([&](const KeyVersionId& other, Clock::time_point) { return other == id; });
}

void WorkingKeys::forget(const KeyId& key) {
  forgotten_.fetch_add(1);
  erase_where([&](const KeyVersionId& other, Clock::time_point) { return other.key == key; });
}

void WorkingKeys::expire() {
  const auto now = options_.now();
  erase_where(
      [&](const KeyVersionId&, Clock::time_point born) { return now - born >= options_.max_age; });
}

std::size_t WorkingKeys::size() const {
  std::shared_lock reading(lock_);
  return cached_.size();
}

}  // namespace nae::keys
