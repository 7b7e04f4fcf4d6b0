// KeyRing: every key in memory. Reads never wait for the HSM or the store; changes are made one at
// a time, durable in the store first and visible to readers after.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyserver/keys/hsm.hpp"
#include "keyserver/keys/key.hpp"
#include "keyserver/keys/repository.hpp"
#include "keyserver/keys/schedule.hpp"
#include "keyserver/keys/usage_repository.hpp"
#include "libnae/base/clock.hpp"

namespace nae::keys {

using KeyPointer = std::shared_ptr<const Key>;

// Runs a job on the HSM's thread and waits. When it gives up waiting the job may still run later,
// so a job refers to nothing of its caller's frame.
using HsmJob = std::function<Result<void>(Hsm&)>;
using RunOnHsm = std::function<Result<void>(HsmJob)>;
using UnixMicroseconds = std::function<std::int64_t()>;

// A job that makes a key is waited for so long at least: an RSA-4096 pair takes software seconds.
inline constexpr std::chrono::milliseconds kMakingKey{30'000};

struct RingOptions {
  RunOnHsm make_on_hsm = {};  // waits so long; empty: as other jobs are run
  UnixMicroseconds now = unix_time_us;
  UnixMicroseconds steady = {};  // TrustedTime::steady_us(); empty: as `now`
  // Of several key servers with a token each: a key that cannot leave the one that it is made on is
  // not made.
  bool portable_only = false;
  std::int64_t destroy_wait_us = std::int64_t{7} * 86'400 * 1'000'000;
};

struct NewKey {
  std::string name;
  KeyType type{};
  Attributes attributes = {};
  Protection protection = Protection::wrapped;
  std::int64_t activate_at_us = 0;    // 0: active from the beginning
  std::optional<Import> import = {};  // nothing: the HSM makes the key
};

// Which keys a listing asks for.
struct KeyFilter {
  std::string owner = {};                                        // empty: any
  std::vector<std::pair<std::string, std::string>> labels = {};  // all of them; empty value: any
  bool matches(const Key& key) const;
};

class KeyRing {
 public:
  // `repository` and `counts` outlive the ring. Call load() before anything else. `counts`: nullptr
  // of a server that follows, which serves nothing that counts as a use and writes no counts down.
  KeyRing(Repository& repository, UsageRepository* counts, RunOnHsm run_on_hsm,
          RingOptions options = {});

  // Replaces what is in memory by what the store holds, all of it bound by the HSM.
  Result<void> load();

  // nullptr when unknown. Keys are immutable: a change puts a new one in the ring.
  KeyPointer find(std::string_view name) const;
  KeyPointer find(const KeyId& id) const;
  std::vector<KeyPointer> list() const;  // by name
  // Versions that need this token and are not on it, as those that were made on another one:
  // "version 1 of key 'one'".
  Result<std::vector<std::string>> not_on_token() const;
  // Up to `limit` keys by name, from the first after `after` on.
  std::vector<KeyPointer> page(std::string_view after, std::size_t limit,
                               const KeyFilter& filter = {}) const;
  std::size_t size() const;

  // Code::invalid_argument unless is_name(name) and the attributes are sound, Code::key_exists when
  // the name is taken, Code::conflict when an imported secret is, or was, that of another version.
  Result<KeyPointer> create(NewKey wanted);
  Result<KeyPointer> create(std::string_view name, KeyType type) {
    return create({std::string(name), type});
  }

  // Adds version n+1, active or to become so; the older ones stay as they are and go on decrypting.
  // Code::key_unknown, Code::key_exhausted after version 65535.
  // `if_newest`: only when that is the newest version. Where the one after it is there already and
  // is what would be made, the key is answered as it is; Code::conflict for any other newest
  // version.
  Result<KeyPointer> rotate(std::string_view name, std::int64_t activate_at_us = 0,
                            std::optional<std::uint16_t> if_newest = std::nullopt);
  // What rotate() would find: whether `key` is rotated already. Code::conflict as above.
  Result<bool> is_rotated(const Key& key, std::int64_t activate_at_us,
                          std::uint16_t if_newest) const;

  // Code::key_unknown; otherwise like create().
  Result<KeyPointer> set_attributes(std::string_view name, const Attributes& attributes);

  // Code::key_unknown, Code::not_found for the version, Code::key_state when the table of states
  // has no such step. The state a version is already in is no change and no failure. Destruction is
  // scheduled for the end of the waiting period, and everything else that was planned cancelled.
  Result<KeyPointer> set_state(std::string_view name, std::uint16_t version, State state);

  // Plans a step; one to the same state takes its place. Like set_state(), and
  // Code::invalid_argument for a date that has passed or, of a destruction, is in the waiting
  // period.
  Result<KeyPointer> schedule(std::string_view name, std::uint16_t version, const Step& step);
  // Code::not_found when no step to `state` is planned, Code::key_state when another one needs it.
  Result<KeyPointer> cancel(std::string_view name, std::uint16_t version, State state);

  // Gives the version that `chain` is for (crypto::chain_from_pem()) these certificates, in the
  // place of those it had. Code::key_unknown, Code::conflict when it is for none of the key's.
  Result<KeyPointer> set_certificates(std::string_view name, const Bytes& chain);
  // Code::not_found when the version has none.
  Result<KeyPointer> remove_certificates(std::string_view name, std::uint16_t version);

  // Where connections count what they use.
  UsageBook& usage() { return usage_; }
  // Carries the counts to the store, and answers which keys are to be rotated because their newest
  // version has served all the uses that the key allows it.
  Result<std::vector<Due>> save_usage();
  // The last time: the counts of the store are exact afterwards.
  Result<void> close_usage();

  // What is to be done now, by date. A destruction also waits until so much steady time has passed
  // as was to pass when it was planned, whatever the wall clock says.
  std::vector<Due> due() const;
  // Does it. Destruction erases the version from the HSM and the store. Code::conflict when it is
  // not planned any more, or not due.
  Result<KeyPointer> perform(const Due& due);

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Found {
    KeyPointer key;
    std::size_t index;  // of the version
    const Version& version() const { return key->versions[index]; }
    KeyVersionId id() const { return {key->id, version().number}; }
  };

  Result<Found> locate(std::string_view name, std::uint16_t version) const;
  Result<KeyPointer> add_version(const KeyPointer& old, std::int64_t activate_at_us);
  Result<Version> new_version(const Key& key, std::uint16_t number, std::int64_t activate_at_us,
                              const std::optional<Import>& import = {});
  Result<void> check_alone(const Found& found) const;
  Result<void> check_unique(const Key& key, const Version& version);
  Result<KeyPointer> enter(const Found& found, State state);
  bool is_due(const Step& step) const;
  Step with_wait(Step step) const;
  Result<KeyPointer> put_schedule(const Found& found, std::vector<Step> schedule);
  Result<KeyPointer> put_certificates(const Found& found, const Bytes& chain);
  Result<KeyId> unused_id();
  Result<void> make_secret(const Key& key, Version& version, const std::optional<Import>& import);
  Result<void> forget_in_hsm(const KeyVersionId& id, KeyType type, const Material& material,
                             bool destroy);
  Result<void> check_bindings(const std::vector<Key>& stored);
  KeyPointer publish(Key key);

  Repository& repository_;
  UsageRepository* counts_;
  RunOnHsm run_on_hsm_;
  RingOptions options_;
  // The token's, of the first load(): what others have changed is taken in also while it is away.
  Bytes binding_key_;    // under changing_
  std::mutex changing_;  // one change at a time; held across the HSM and the store
  mutable std::shared_mutex reading_;
  std::unordered_map<std::string, KeyPointer, TextHash, std::equal_to<>> by_name_;
  std::unordered_map<KeyId, KeyPointer> by_id_;
  std::set<std::string, std::less<>> names_;    // of by_name_, in order
  std::multimap<Bytes, KeyVersionId> secrets_;  // by check value, destroyed ones too
  Agenda agenda_;
  UsageBook usage_;
};

}  // namespace nae::keys
