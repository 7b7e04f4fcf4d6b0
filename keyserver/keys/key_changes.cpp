// The changes that a KeyRing makes: each durable in the store before a reader sees it.
#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>

#include "keyserver/keys/binding.hpp"
#include "keyserver/keys/key_ring.hpp"
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

Result<void> check_future(std::int64_t at_us, std::int64_t now_us) {
  if (at_us > now_us) return {};
  return fail(Code::invalid_argument, "the date has passed already");
}

}  // namespace

Result<KeyPointer> KeyRing::create(NewKey wanted) {
  if (!is_name(wanted.name))
    return fail(Code::invalid_argument, "not a name for a key",
                "Use 1 to 128 of A-Z a-z 0-9 . _ - starting with a letter or digit.");
  NAE_TRY(check(wanted.attributes, wanted.type));
  if (wanted.type == KeyType::aes_256_siv && wanted.protection == Protection::hsm_only)
    return fail(Code::unsupported, "keys of type aes-256-siv cannot be hsm-only",
                "No PKCS#11 mechanism computes SIV. Use aes-256-gcm, or protection wrapped.");
  // What its caller encrypts by is his own: no working key is derived from it.
  if (takes_cipher_mode(wanted.type) && wanted.protection != Protection::hsm_only)
    return fail(Code::unsupported,
                "keys of type " + std::string(nae::name(wanted.type)) + " are hsm-only",
                "Create it with protection hsm-only.");
  std::lock_guard changing(changing_);
  if (find(wanted.name)) return fail(Code::key_exists, "key '" + wanted.name + "' exists");

  Key key;
  NAE_ASSIGN(key.id, unused_id());
  key.name = std::move(wanted.name);
  key.type = wanted.type;
  key.protection = wanted.protection;
  key.attributes = std::move(wanted.attributes);
  NAE_ASSIGN(Version version, new_version(key, 1, wanted.activate_at_us, wanted.import));
  key.created_at_us = version.created_at_us;
  key.versions.push_back(std::move(version));

  if (auto stored = repository_.insert_key(key); !stored) {
    (void)forget_in_hsm({key.id, 1}, key.type, key.versions.front().material, true);
    return fail(std::move(stored).error());
  }
  const Binding& binding = key.versions.front().binding;
  secrets_.emplace(binding.check_value, KeyVersionId{key.id, 1});
  return publish(std::move(key));
}

Result<KeyPointer> KeyRing::rotate(std::string_view name, std::int64_t activate_at_us,
                                   std::optional<std::uint16_t> if_newest) {
  std::lock_guard changing(changing_);
  const KeyPointer old = find(name);
  if (!old) return fail(Code::key_unknown, "there is no key '" + std::string(name) + "'");
  if (if_newest) {
    NAE_ASSIGN(const bool rotated, is_rotated(*old, activate_at_us, *if_newest));
    if (rotated) return old;
  }
  return add_version(old, activate_at_us);
}

// Of a version that has been activated by hand before its date nobody can tell what was asked for.
Result<bool> KeyRing::is_rotated(const Key& key, std::int64_t activate_at_us,
                                 std::uint16_t if_newest) const {
  const Version& newest = key.versions.back();
  if (newest.number == if_newest) return false;
  const Step* planned = find_step(newest, State::active);
  const bool same = planned ? planned->at_us == activate_at_us
                            : newest.state != State::pre_active && activate_at_us <= options_.now();
  if (newest.number == if_newest + 1 && same) return true;
  return fail(Code::conflict,
              "the newest version of key '" + key.name + "' is " + std::to_string(newest.number) +
                  ", not " + std::to_string(if_newest),
              "Look at it: nae key show " + key.name);
}

Result<KeyPointer> KeyRing::add_version(const KeyPointer& old, std::int64_t activate_at_us) {
  const std::uint16_t newest = old->versions.back().number;
  if (newest == std::numeric_limits<std::uint16_t>::max())
    return fail(Code::key_exhausted, "key '" + old->name + "' has had all its versions",
                "Create a key of another name and rewrap to it.");
  const auto number = static_cast<std::uint16_t>(newest + 1);
  NAE_ASSIGN(Version version, new_version(*old, number, activate_at_us));
  if (auto stored = repository_.insert_version(old->id, version); !stored) {
    (void)forget_in_hsm({old->id, number}, old->type, version.material, true);
    return fail(std::move(stored).error());
  }
  secrets_.emplace(version.binding.check_value, KeyVersionId{old->id, number});
  Key key = *old;
  key.versions.push_back(std::move(version));
  return publish(std::move(key));
}

Result<Version> KeyRing::new_version(const Key& key, std::uint16_t number,
                                     std::int64_t activate_at_us,
                                     const std::optional<Import>& import) {
  Version version;
  version.number = number;
  version.created_at_us = options_.now();
  if (activate_at_us != 0) {
    NAE_TRY(check_future(activate_at_us, version.created_at_us));
    version.state = State::pre_active;
    version.schedule.push_back({State::active, activate_at_us});
  }
  NAE_TRY(make_secret(key, version, import));
  if (auto unique = check_unique(key, version); !unique) {
    (void)forget_in_hsm({key.id, number}, key.type, version.material, true);
    return fail(std::move(unique).error());
  }
  version.usage = std::make_shared<VersionUsage>(
      UsageCount{.id = {key.id, number}, .reserved_uses = kLeastReservedUses});
  return version;
}

// Under two types one secret gives itself away: what a raw HMAC key computes for anybody are the
// working keys of the other one.
Result<void> KeyRing::check_unique(const Key& key, const Version& version) {
  const auto twin = secrets_.find(version.binding.check_value);
  if (twin == secrets_.end()) return {};
  const KeyPointer other = find(twin->second.key);
  return fail(Code::conflict,
              "the secret of key '" + key.name + "' is, or was, that of " +
                  version_text(other ? other->name : "?", twin->second.version),
              "A secret is one key's, also after it was destroyed; make another one.");
}

Result<KeyPointer> KeyRing::set_attributes(std::string_view name, const Attributes& attributes) {
  std::lock_guard changing(changing_);
  const KeyPointer old = find(name);
  if (!old) return fail(Code::key_unknown, "there is no key '" + std::string(name) + "'");
  NAE_TRY(check(attributes, old->type));
  if (old->attributes == attributes) return old;
  NAE_TRY(repository_.set_attributes(old->id, attributes));
  Key key = *old;
  key.attributes = attributes;
  return publish(std::move(key));
}

Result<KeyRing::Found> KeyRing::locate(std::string_view name, std::uint16_t number) const {
  const KeyPointer key = find(name);
  if (!key) return fail(Code::key_unknown, "there is no key '" + std::string(name) + "'");
  const Version* version = key->version(number);
  if (!version) return fail(Code::not_found, "there is no " + version_text(name, number));
  const auto at = std::ranges::lower_bound(key->versions, number, {}, &Version::number);
  return Found{key, static_cast<std::size_t>(at - key->versions.begin())};
}

Result<KeyPointer> KeyRing::set_state(std::string_view name, std::uint16_t number, State state) {
  std::lock_guard changing(changing_);
  NAE_ASSIGN(Found found, locate(name, number));
  const Version& version = found.version();
  if (version.state == state) return found.key;
  if (!may_become(version.state, state))
    return fail(Code::key_state, version_text(name, number) + " is " +
                                     std::string(keys::name(version.state)) +
                                     " and cannot become " + std::string(keys::name(state)));
  if (state == State::destroyed && options_.destroy_wait_us > 0) {
    if (find_step(version, State::destroyed)) return found.key;
    return put_schedule(found,
                        {with_wait({State::destroyed, options_.now() + options_.destroy_wait_us})});
  }
  if (auto sound = check_schedule(state, remaining(version.schedule, state)); !sound)
    return fail(Code::key_state,
                version_text(name, number) + " is scheduled to be " +
                    std::string(keys::name(remaining(version.schedule, state).front().state)),
                "Cancel that first.");
  return enter(found, state);
}

// Stores of older servers may hold a secret twice; what does not serve then stays so.
Result<void> KeyRing::check_alone(const Found& found) const {
  const auto [first, last] = secrets_.equal_range(found.version().binding.check_value);
  for (auto secret = first; secret != last; ++secret) {
    if (secret->second == found.id()) continue;
    const KeyPointer key = find(secret->second.key);
    const Version* twin = key ? key->version(secret->second.version) : nullptr;
    if (twin && twin->state != State::destroyed)
      return fail(Code::key_state,
                  version_text(found.key->name, found.version().number) + " has the secret of " +
                      version_text(key->name, twin->number),
                  "Destroy one of the two first.");
  }
  return {};
}

// The caller has asked the tables.
Result<KeyPointer> KeyRing::enter(const Found& found, State state) {
  const Key& old = *found.key;
  Version changed = found.version();
  const bool destroy = state == State::destroyed;
  if (!permits(changed.state, Action::decrypt) && permits(state, Action::decrypt))
    NAE_TRY(check_alone(found));
  // A token object is the only copy: it goes before the store says that it has gone. Of other
  // versions an HSM that is away holds nothing that outlives its session.
  if (destroy && !changed.material.token_object.empty())
    NAE_TRY(forget_in_hsm(found.id(), old.type, changed.material, true));
  changed.state = state;
  changed.changed_at_us = options_.now();
  changed.schedule = remaining(changed.schedule, state);
  NAE_TRY(repository_.set_state(found.id(), state, changed.changed_at_us, changed.schedule));
  if (!permits(state, Action::decrypt))
    (void)forget_in_hsm(found.id(), old.type, changed.material, destroy);
  if (destroy) changed.material = {}, changed.binding.signature = {}, changed.certificates = {};
  Key key = old;
  key.versions.replace(found.index, std::move(changed));
  return publish(std::move(key));
}

Result<KeyPointer> KeyRing::schedule(std::string_view name, std::uint16_t number,
                                     const Step& step) {
  std::lock_guard changing(changing_);
  NAE_ASSIGN(Found found, locate(name, number));
  const std::int64_t now_us = options_.now();
  NAE_TRY(check_future(step.at_us, now_us));
  if (step.state == State::destroyed && step.at_us < now_us + options_.destroy_wait_us)
    return fail(Code::invalid_argument, "destruction has a waiting period that ends later",
                "Choose a later date, or 'nae key destroy' for the earliest.");
  std::vector<Step> schedule = found.version().schedule;
  std::erase_if(schedule, [&](const Step& planned) { return planned.state == step.state; });
  schedule.push_back(with_wait(step));
  std::ranges::sort(schedule, {}, [](const Step& s) { return std::pair(s.at_us, s.state); });
  NAE_TRY(check_schedule(found.version().state, schedule));
  return put_schedule(found, std::move(schedule));
}

Result<KeyPointer> KeyRing::cancel(std::string_view name, std::uint16_t number, State state) {
  std::lock_guard changing(changing_);
  NAE_ASSIGN(Found found, locate(name, number));
  std::vector<Step> schedule = found.version().schedule;
  if (std::erase_if(schedule, [&](const Step& step) { return step.state == state; }) == 0)
    return fail(Code::not_found, version_text(name, number) + " is not scheduled to be " +
                                     std::string(keys::name(state)));
  NAE_TRY(check_schedule(found.version().state, schedule));
  return put_schedule(found, std::move(schedule));
}

// A wall clock that runs ahead brings back everything but a secret.
Step KeyRing::with_wait(Step step) const {
  step.steady_us = step.state == State::destroyed
                       ? options_.steady() + std::max<std::int64_t>(step.at_us - options_.now(), 0)
                       : 0;
  return step;
}

bool KeyRing::is_due(const Step& step) const {
  return step.at_us <= options_.now() && step.steady_us <= options_.steady();
}

Result<KeyPointer> KeyRing::put_schedule(const Found& found, std::vector<Step> schedule) {
  NAE_TRY(repository_.set_schedule(found.id(), schedule));
  Version changed = found.version();
  changed.schedule = std::move(schedule);
  Key key = *found.key;
  key.versions.replace(found.index, std::move(changed));
  return publish(std::move(key));
}

Result<KeyPointer> KeyRing::perform(const Due& due) {
  std::lock_guard changing(changing_);
  const KeyPointer key = find(due.key);
  if (!key) return fail(Code::key_unknown, "the key is gone");
  // Asked again: an administrator may have come first.
  if (due.version == 0) {
    const bool planned = due.at_us == 0 ? used_up(*key, key->versions.back().usage->now().uses)
                                        : rotation_date(*key) == due.at_us;
    if (!planned) return fail(Code::conflict, "no longer planned");
    return add_version(key, 0);
  }
  NAE_ASSIGN(Found found, locate(key->name, due.version));
  const Step* step = find_step(found.version(), due.state);
  if (!step || step->at_us != due.at_us || !is_due(*step) ||
      !may_become(found.version().state, due.state))
    return fail(Code::conflict, "no longer planned");
  return enter(found, due.state);
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

// `version` comes with its number and leaves with its secret, bound to its row.
Result<void> KeyRing::make_secret(const Key& key, Version& version,
                                  const std::optional<Import>& import) {
  version.binding.origin = import ? Origin::imported : Origin::generated;
  Key row;
  row.id = key.id;
  row.name = key.name;
  row.type = key.type;
  row.protection = key.protection;
  auto handover = std::make_shared<Handover<Version>>();
  const RunOnHsm& make = options_.make_on_hsm ? options_.make_on_hsm : run_on_hsm_;
  const bool portable_only = options_.portable_only;
  auto run = make([handover, row, version, import, portable_only](Hsm& hsm) -> Result<void> {
    const KeyVersionId id{row.id, version.number};
    Version made = version;
    NAE_ASSIGN(made.material, import ? hsm.import(id, row.type, row.protection, *import)
                                     : hsm.generate(id, row.type, row.protection));
    if (portable_only && !made.material.token_object.empty()) {
      NAE_TRY(hsm.forget({id, row.type, made.material}, true));
      return fail(Code::unsupported,
                  "this HSM cannot give away a key of type " + std::string(name(row.type)) +
                      ", and other key servers of the group have tokens of their own",
                  "Choose another type. Where all of them use one token of a network HSM: "
                  "store.shared_token = true.");
    }
    if (auto bound = bind(hsm, row, made); !bound) {
      (void)hsm.forget({id, row.type, made.material}, true);
      return bound;
    }
    handover->made = std::move(made);
    if (!handover->settled.exchange(true)) return {};
    return hsm.forget({id, row.type, handover->made->material}, true);  // nobody waits any more
  });
  if (!run && !handover->settled.exchange(true)) return fail(std::move(run).error());
  if (!handover->made) return fail(std::move(run).error());
  version = std::move(*handover->made);
  return {};
}

Result<std::vector<std::string>> KeyRing::not_on_token() const {
  std::vector<std::string> missing;
  for (const KeyPointer& key : list())
    for (const Version& version : key->versions) {
      if (version.material.token_object.empty()) continue;
      auto there = std::make_shared<std::atomic<bool>>(true);
      NAE_TRY(run_on_hsm_([there, key, number = version.number](Hsm& hsm) -> Result<void> {
        NAE_ASSIGN(const bool holds, hsm.holds(hsm_key(*key, *key->version(number))));
        *there = holds;
        return {};
      }));
      if (!*there) missing.push_back(version_text(key->name, version.number));
    }
  return missing;
}

Result<void> KeyRing::forget_in_hsm(const KeyVersionId& id, KeyType type, const Material& material,
                                    bool destroy) {
  return run_on_hsm_([id, type, material, destroy](Hsm& hsm) {
    return hsm.forget({id, type, material}, destroy);
  });
}

}  // namespace nae::keys
