#include "keyserver/keys/key_ring.hpp"

#include <algorithm>

#include "keyserver/keys/binding.hpp"

namespace nae::keys {

bool KeyFilter::matches(const Key& key) const {
  if (!owner.empty() && key.attributes.owner != owner) return false;
  return std::ranges::all_of(labels, [&](const auto& wanted) {
    const auto found = key.attributes.labels.find(wanted.first);
    return found != key.attributes.labels.end() &&
           (wanted.second.empty() || found->second == wanted.second);
  });
}

KeyRing::KeyRing(Repository& repository, UsageRepository* counts, RunOnHsm run_on_hsm,
                 RingOptions options)
    : repository_(repository),
      counts_(counts),
      run_on_hsm_(std::move(run_on_hsm)),
      options_(std::move(options)),
      usage_(counts != nullptr) {
  if (!options_.steady) options_.steady = options_.now;
}

Result<void> KeyRing::load() {
  std::lock_guard changing(changing_);
  NAE_ASSIGN(std::vector<Key> stored, repository_.load_keys());
  NAE_TRY(check_bindings(stored));
  std::vector<UsageCount> counts;
  if (counts_) {
    NAE_ASSIGN(counts, counts_->open_usage());
  }
  std::unordered_map<KeyVersionId, UsageCount> count_of;
  count_of.reserve(counts.size());
  for (const UsageCount& count : counts) count_of.emplace(count.id, count);
  decltype(by_name_) by_name;
  decltype(by_id_) by_id;
  decltype(names_) names;
  decltype(secrets_) secrets;
  Agenda agenda;
  by_name.reserve(stored.size());
  by_id.reserve(stored.size());
  for (Key& key : stored) {
    if (key.versions.empty() || !std::ranges::is_sorted(key.versions, {}, &Version::number))
      return fail(Code::store_corrupt, "the versions of key '" + key.name + "' are not in order");
    for (std::size_t i = 0; i < key.versions.size(); ++i) {
      Version version = key.versions[i];
      const KeyVersionId id{key.id, version.number};
      const auto count = count_of.find(id);
      version.usage = std::make_shared<VersionUsage>(count == count_of.end() ? UsageCount{.id = id}
                                                                             : count->second);
      if (!version.binding.check_value.empty()) secrets.emplace(version.binding.check_value, id);
      key.versions.replace(i, std::move(version));
    }
    auto shared = std::make_shared<const Key>(std::move(key));
    if (!by_name.emplace(shared->name, shared).second || !by_id.emplace(shared->id, shared).second)
      return fail(Code::store_corrupt, "key '" + shared->name + "' is stored twice");
    names.insert(shared->name);
    agenda.add(*shared);
  }
  std::unique_lock writing(reading_);
  by_name_.swap(by_name);
  by_id_.swap(by_id);
  names_.swap(names);
  secrets_.swap(secrets);
  agenda_ = std::move(agenda);
  return {};
}

Result<void> KeyRing::check_bindings(const std::vector<Key>& stored) {
  if (stored.empty()) return {};
  if (binding_key_.empty()) {
    auto public_key = std::make_shared<Bytes>();
    NAE_TRY(run_on_hsm_([public_key](Hsm& hsm) -> Result<void> {
      NAE_ASSIGN(*public_key, hsm.public_key_of(ServerKey::binding));
      return {};
    }));
    binding_key_ = *public_key;
  }
  NAE_ASSIGN(const BindingCheck bindings, BindingCheck::with(binding_key_));
  return bindings.check(stored);
}

KeyPointer KeyRing::find(std::string_view name) const {
  std::shared_lock reading(reading_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

KeyPointer KeyRing::find(const KeyId& id) const {
  std::shared_lock reading(reading_);
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::vector<KeyPointer> KeyRing::list() const {
  std::vector<KeyPointer> keys;
  std::shared_lock reading(reading_);
  keys.reserve(names_.size());
  for (const std::string& name : names_) keys.push_back(by_name_.find(name)->second);
  return keys;
}

std::vector<KeyPointer> KeyRing::page(std::string_view after, std::size_t limit,
                                      const KeyFilter& filter) const {
  // A filter may have to look at every key: changes get their turn in between.
  constexpr std::size_t kLooksAtOnce = 1024;
  std::vector<KeyPointer> keys;
  std::string last(after);
  for (bool more = true; more && keys.size() < limit;) {
    std::shared_lock reading(reading_);
    auto name = names_.upper_bound(last);
    for (std::size_t looks = 0; name != names_.end() && looks < kLooksAtOnce; ++looks, ++name) {
      const KeyPointer& key = by_name_.find(*name)->second;
      last = *name;
      if (filter.matches(*key)) keys.push_back(key);
      if (keys.size() == limit) return keys;
    }
    more = name != names_.end();
  }
  return keys;
}

std::size_t KeyRing::size() const {
  std::shared_lock reading(reading_);
  return by_name_.size();
}

Result<std::vector<Due>> KeyRing::save_usage() {
  std::vector<Due> used_up_keys;
  if (!counts_) return used_up_keys;
  const std::vector<UsageCount> counts = usage_.take_changed();
  if (counts.empty()) return used_up_keys;
  auto saved = counts_->save_usage(counts, false);
  usage_.written(counts, saved.has_value());
  if (!saved) return fail(std::move(saved).error());
  for (const UsageCount& count : counts) {
    const KeyPointer key = find(count.id.key);
    if (key && key->versions.back().number == count.id.version && used_up(*key, count.uses))
      used_up_keys.push_back({0, key->id, 0, State{}});
  }
  return used_up_keys;
}

Result<void> KeyRing::close_usage() {
  if (!counts_) return {};
  const std::vector<UsageCount> counts = usage_.take_changed();
  auto saved = counts_->save_usage(counts, true);
  usage_.written(counts, saved.has_value());
  return saved;
}

std::vector<Due> KeyRing::due() const {
  std::shared_lock reading(reading_);
  std::vector<Due> found = agenda_.due(options_.now());
  std::erase_if(found, [this](const Due& due) {
    if (due.state != State::destroyed) return false;
    const Version* version = by_id_.at(due.key)->version(due.version);
    const Step* step = version ? find_step(*version, due.state) : nullptr;
    return !step || !is_due(*step);
  });
  return found;
}

KeyPointer KeyRing::publish(Key key) {
  auto shared = std::make_shared<const Key>(std::move(key));
  std::unique_lock writing(reading_);
  KeyPointer& named = by_name_[shared->name];
  if (named) agenda_.remove(*named);
  named = shared;
  by_id_.insert_or_assign(shared->id, shared);
  names_.insert(shared->name);
  agenda_.add(*shared);
  return shared;
}

}  // namespace nae::keys
