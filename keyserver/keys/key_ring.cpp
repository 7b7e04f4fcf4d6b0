#include "keyserver/keys/key_ring.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <optional>

#include "keyserver/keys/state.hpp"
#include "libnae/base/text.hpp"

namespace nae::keys {
namespace {

// What a job makes for a caller that may have gone. Whoever comes second to `settled` knows that
// the other side has been there: the job then undoes what nobody will take, the caller takes it.
template <class T>
struct Handover {
  std::atomic<bool> settled = false;
  std::optional<T> made;
};

std::string version_text(std::string_view name, std::uint16_t version) {
  return "version " + std::to_string(version) + " of key '" + std::string(name) + "'";
}

}  // namespace

KeyRing::KeyRing(Repository& repository, RunOnHsm run_on_hsm, UnixMicroseconds now)
    : repository_(repository), run_on_hsm_(std::move(run_on_hsm)), now_(std::move(now)) {}

UnixMicroseconds KeyRing::system_clock() {
  return [] {
    using namespace std::chrono;
    return duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  };
}

Result<void> KeyRing::load() {
  std::lock_guard changing(changing_);
  NAE_ASSIGN(std::vector<Key> stored, repository_.load_keys());
  decltype(by_name_) by_name;
  decltype(by_id_) by_id;
  by_name.reserve(stored.size());
  by_id.reserve(stored.size());
  for (Key& key : stored) {
    if (key.versions.empty() || !std::ranges::is_sorted(key.versions, {}, &Version::number))
      return fail(Code::store_corrupt, "the versions of key '" + key.name + "' are not in order");
    auto shared = std::make_shared<const Key>(std::move(key));
    if (!by_name.emplace(shared->name, shared).second || !by_id.emplace(shared->id, shared).second)
      return fail(Code::store_corrupt, "key '" + shared->name + "' is stored twice");
  }
  std::unique_lock writing(reading_);
  by_name_.swap(by_name);
  by_id_.swap(by_id);
  return {};
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
  {
    std::shared_lock reading(reading_);
    keys.reserve(by_name_.size());
    for (const auto& [name, key] : by_name_) keys.push_back(key);
  }
  std::ranges::sort(keys, {},
                    [](const KeyPointer& key) -> const std::string& { return key->name; });
  return keys;
}

std::size_t KeyRing::size() const {
  std::shared_lock reading(reading_);
  return by_name_.size();
}

Result<KeyPointer> KeyRing::create(std::string_view name, KeyType type) {
  if (!is_name(name))
    return fail(Code::invalid_argument, "not a name for a key",
                "Use 1 to 128 of A-Z a-z 0-9 . _ - starting with a letter or digit.");
  std::lock_guard changing(changing_);
  if (find(name)) return fail(Code::key_exists, "key '" + std::string(name) + "' exists");

  Key key;
  NAE_ASSIGN(key.id, unused_id());
  key.name = name;
  key.type = type;
  key.created_at_us = now_();
  NAE_ASSIGN(Material material, generate({key.id, 1}, type));
  key.versions.push_back({1, State::active, key.created_at_us, std::move(material)});

  if (auto stored = repository_.insert_key(key); !stored) {
    (void)forget_in_hsm({key.id, 1}, type, key.versions.front().material, true);
    return fail(std::move(stored).error());
  }
  return publish(std::move(key));
}

Result<KeyPointer> KeyRing::rotate(std::string_view name) {
  std::lock_guard changing(changing_);
  const KeyPointer old = find(name);
  if (!old) return fail(Code::key_unknown, "there is no key '" + std::string(name) + "'");
  const std::uint16_t newest = old->versions.back().number;
  if (newest == std::numeric_limits<std::uint16_t>::max())
    return fail(Code::key_exhausted, "key '" + old->name + "' has had all its versions",
                "Create a key of another name and rewrap to it.");

  const auto number = static_cast<std::uint16_t>(newest + 1);
  NAE_ASSIGN(Material material, generate({old->id, number}, old->type));
  Version version{number, State::active, now_(), std::move(material)};
  if (auto stored = repository_.insert_version(old->id, version); !stored) {
    (void)forget_in_hsm({old->id, number}, old->type, version.material, true);
    return fail(std::move(stored).error());
  }
  Key key = *old;
  key.versions.push_back(std::move(version));
  return publish(std::move(key));
}

Result<KeyPointer> KeyRing::set_state(std::string_view name, std::uint16_t number, State state) {
  std::lock_guard changing(changing_);
  const KeyPointer old = find(name);
  if (!old) return fail(Code::key_unknown, "there is no key '" + std::string(name) + "'");
  const Version* version = old->version(number);
  if (!version) return fail(Code::not_found, "there is no " + version_text(name, number));
  if (version->state == state) return old;
  if (!may_become(version->state, state))
    return fail(Code::key_state, version_text(name, number) + " is " +
                                     std::string(keys::name(version->state)) +
                                     " and cannot become " + std::string(keys::name(state)));

  const KeyVersionId id{old->id, number};
  const bool destroy = state == State::destroyed;
  // A token object is the only copy: it goes before the store says that it has gone. Of other
  // versions an HSM that is away holds nothing that outlives its session.
  if (destroy && !version->material.token_object.empty())
    NAE_TRY(forget_in_hsm(id, old->type, version->material, true));
  NAE_TRY(repository_.set_state(id, state));
  if (!permits(state, Action::decrypt))
    (void)forget_in_hsm(id, old->type, version->material, destroy);
  Key key = *old;
  Version& changed = key.versions[static_cast<std::size_t>(version - old->versions.data())];
  changed.state = state;
  if (destroy) changed.material = {};
  return publish(std::move(key));
}

Result<KeyId> KeyRing::unused_id() {
  // 48 random bits: among 100,000 keys one in 2.8 billion draws is taken, so few draws suffice.
  for (int draw = 0; draw < 8; ++draw) {
    auto drawn = std::make_shared<KeyId>();
    auto run = run_on_hsm_([drawn](Hsm& hsm) { return hsm.random(drawn->bytes); });
    if (!run) return fail(std::move(run).error());
    if (*drawn != KeyId{} && !find(*drawn)) return *drawn;
  }
  return fail(Code::hsm_failed, "the HSM's random numbers repeat");
}

Result<Material> KeyRing::generate(const KeyVersionId& id, KeyType type) {
  auto handover = std::make_shared<Handover<Material>>();
  auto run = run_on_hsm_([handover, id, type](Hsm& hsm) -> Result<void> {
    NAE_ASSIGN(handover->made, hsm.generate(id, type));
    if (!handover->settled.exchange(true)) return {};
    return hsm.forget({id, type, *handover->made}, true);  // nobody waits any more
  });
  if (!run && !handover->settled.exchange(true)) return fail(std::move(run).error());
  if (!handover->made) return fail(std::move(run).error());
  return std::move(*handover->made);
}

Result<void> KeyRing::forget_in_hsm(const KeyVersionId& id, KeyType type, const Material& material,
                                    bool destroy) {
  return run_on_hsm_([id, type, material, destroy](Hsm& hsm) {
    return hsm.forget({id, type, material}, destroy);
  });
}

KeyPointer KeyRing::publish(Key key) {
  auto shared = std::make_shared<const Key>(std::move(key));
  std::unique_lock writing(reading_);
  by_name_.insert_or_assign(shared->name, shared);
  by_id_.insert_or_assign(shared->id, shared);
  return shared;
}

}  // namespace nae::keys
