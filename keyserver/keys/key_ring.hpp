// KeyRing: every key in memory. Reads never wait for the HSM or the store; changes are made one at
// a time, durable in the store first and visible to readers after.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keyserver/keys/hsm.hpp"
#include "keyserver/keys/key.hpp"
#include "keyserver/keys/repository.hpp"

namespace nae::keys {

using KeyPointer = std::shared_ptr<const Key>;

// Runs a job on the HSM's thread and waits. When it gives up waiting the job may still run later,
// so a job refers to nothing of its caller's frame.
using HsmJob = std::function<Result<void>(Hsm&)>;
using RunOnHsm = std::function<Result<void>(HsmJob)>;
using UnixMicroseconds = std::function<std::int64_t()>;

class KeyRing {
 public:
  // `repository` outlives the ring. Call load() before anything else.
  KeyRing(Repository& repository, RunOnHsm run_on_hsm, UnixMicroseconds now = system_clock());

  // Replaces what is in memory by what the store holds.
  Result<void> load();

  // nullptr when unknown. Keys are immutable: a change puts a new one in the ring.
  KeyPointer find(std::string_view name) const;
  KeyPointer find(const KeyId& id) const;
  std::vector<KeyPointer> list() const;  // by name
  std::size_t size() const;

  // Code::invalid_argument unless is_name(name), Code::key_exists when the name is taken.
  Result<KeyPointer> create(std::string_view name, KeyType type);

  // Adds version n+1, active; the older ones stay as they are and go on decrypting.
  // Code::key_unknown, Code::key_exhausted after version 65535.
  Result<KeyPointer> rotate(std::string_view name);

  // Code::key_unknown, Code::not_found for the version, Code::key_state when the table of states
  // has no such step. The state a version is already in is no change and no failure. Destruction
  // also erases the version from the HSM.
  Result<KeyPointer> set_state(std::string_view name, std::uint16_t version, State state);

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  static UnixMicroseconds system_clock();
  Result<KeyId> unused_id();
  Result<Material> generate(const KeyVersionId& id, KeyType type);
  Result<void> forget_in_hsm(const KeyVersionId& id, KeyType type, const Material& material,
                             bool destroy);
  KeyPointer publish(Key key);

  Repository& repository_;
  RunOnHsm run_on_hsm_;
  UnixMicroseconds now_;
  std::mutex changing_;  // one change at a time; held across the HSM and the store
  mutable std::shared_mutex reading_;
  std::unordered_map<std::string, KeyPointer, TextHash, std::equal_to<>> by_name_;
  std::unordered_map<KeyId, KeyPointer> by_id_;
};

}  // namespace nae::keys
