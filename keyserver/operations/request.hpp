// A crypto request while it is served: what was asked, what the HSM has prepared for it, and the
// three ways an action can end.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "keyserver/audit/batch.hpp"
#include "keyserver/operations/answer.hpp"
#include "keyserver/operations/caller.hpp"
#include "keyserver/operations/crypto_request.hpp"
#include "keyserver/operations/parts.hpp"

namespace nae::operations {

// A lease's counters belong to one request; the others serve all.
using WorkingKey = std::variant<std::shared_ptr<const crypto::GcmWorkingKey>,
                                std::shared_ptr<const crypto::SivWorkingKey>,
                                std::shared_ptr<const crypto::MacWorkingKey>, keys::EncryptLease>;

// What the HSM made for one request. Kept with the request, so that a cache that evicts cannot make
// it start over for ever.
struct Prepared {
  std::vector<WorkingKey> keys;
  // Of items, by their index: what was opened, and what is the item's answer.
  std::unordered_map<std::uint32_t, Result<Bytes>> opened;
  std::unordered_map<std::uint32_t, Bytes> made;

  template <class Key, class Fits>
  std::shared_ptr<const Key> find(Fits fits) const {
    for (const WorkingKey& key : keys)
      if (const auto* found = std::get_if<std::shared_ptr<const Key>>(&key); found && fits(**found))
        return *found;
    return nullptr;
  }
};

// Part of what was asked of one key version; one audit record each.
struct KeyUse {
  keys::KeyPointer key;  // nullptr for hash and random, and for keys nobody knows
  std::uint16_t version = 0;
  policy::Decision decision;
  std::uint32_t items = 0;
  std::uint32_t failed_items = 0;
  Code refusal{};  // why all of its items failed; 0: they did not
};

// What of a request lasts from one time that it is served to the next.
struct Progress {
  Prepared prepared;
  std::vector<std::string> charged;  // limits that counted it: served again it is not counted again
  int rounds = 0;                    // through the HSM since it last made progress

  // Keeps what the HSM made.
  void add(Prepared&& made);
  // A request that needs the HSM again and again without getting anywhere: its keys are evicted or
  // rotated faster than it is served.
  bool stuck() const;
};

struct Request {
  const CryptoRequest& asked;
  Caller& caller;
  const Parts& parts;
  Progress& progress;
  std::int64_t now_us;  // Unix time, read once for all that one read brought
  Answer& answer;

  const policy::Decision& decide(Action action, std::string_view key) {
    return caller.decide(parts.policy, parts.ring, action, key, now_us);
  }
  // On whose behalf the HSM works and working keys are kept.
  const std::string& party() const { return caller.subject().device; }
  std::uint32_t count() const { return asked.count; }
};

// How often a version was used, where the uses do not say it.
struct VersionCount {
  keys::VersionUsagePointer usage;
  std::uint32_t items = 0;
};
class VersionTally {
 public:
  void add(const keys::Version& version) {
    if (counts_.empty() || counts_.back().usage != version.usage)
      counts_.push_back({version.usage, 0});
    ++counts_.back().items;
  }
  std::vector<VersionCount> take() { return std::move(counts_); }

 private:
  std::vector<VersionCount> counts_;
};

// The answer was begun and finished; one record a use goes to the audit.
struct Served {
  std::vector<KeyUse> uses;
  // Versions that were read by verify and mac-verify, which know them item by item, and those that
  // rewrap wrote under.
  std::vector<VersionCount> counts = {};
};

// The whole request is answered by an error; what of the answer was begun is discarded.
struct Refused {
  Error error;
  std::string key;
  policy::Decision decision;         // default: the request failed before or after policy
  std::uint32_t retry_after_ms = 0;  // 0: no advice
};

// What of the answer was begun is discarded. The job runs on the HSM's thread with the request's
// own copy of what was asked; then the action is called again with what the job prepared.
class HsmWork {
 public:
  template <class Run>
  requires(!std::same_as<std::remove_cvref_t<Run>, HsmWork>)
      HsmWork(Run run, std::string makes = {})
      : makes_(std::move(makes)), run_(std::move(run)) {}

  // Names what it makes when that is nothing but working keys, which serve all who wait for the
  // same ones; empty otherwise. See SharedWork.
  const std::string& makes() const { return makes_; }
  Result<Prepared> operator()(keys::Hsm& hsm, const CryptoRequest& asked) const {
    return run_(hsm, asked);
  }

 private:
  std::string makes_;
  std::function<Result<Prepared>(keys::Hsm&, const CryptoRequest&)> run_;
};

// For HsmWork::makes(). `kind`: what of the version, such as its format or a purpose.
inline std::string working_key_name(std::string_view kind, const KeyVersionId& id,
                                    const Salt& salt = {}) {
  std::string name(kind);
  name.append(reinterpret_cast<const char*>(id.key.bytes.data()), id.key.bytes.size());
  name += static_cast<char>(id.version >> 8);
  name += static_cast<char>(id.version & 0xff);
  name.append(reinterpret_cast<const char*>(salt.data()), salt.size());
  return name;
}

using Outcome = std::variant<Served, Refused, HsmWork>;

// Answers an item of verify or mac-verify: one byte, 1 or 0. False when it failed.
inline bool answer_verified(Answer& answer, const Result<bool>& verified) {
  if (!verified) {
    answer.fail_item(verified.error().code);
    return false;
  }
  const Byte good = *verified ? 1 : 0;
  answer.add_item({&good, 1});
  return true;
}

}  // namespace nae::operations
