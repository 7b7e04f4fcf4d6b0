// Opener: opens the envelopes of one request, whose items name their keys themselves; of another
// key than the request names none is. It looks up policy, key and working key once per run of equal
// ones, not per item.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <unordered_map>

#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"
#include "keyserver/operations/request.hpp"

namespace nae::operations {

class Opener {
 public:
  // `named`: as authorize_named() found it.
  Opener(Request& request, std::optional<Granted> named)
      : request_(request), named_(std::move(named)) {}

  // The key an envelope was made with and how to open it; why it cannot be opened; or
  // nothing: its working key is missing and was noted for hsm_work().
  struct Readable {
    KeyUse* use;
    // One of the three is set, none where policy answers without a look at the plaintext.
    const crypto::GcmWorkingKey* gcm = nullptr;
    const crypto::SivWorkingKey* siv = nullptr;
    const Result<Bytes>* opened = nullptr;  // on the HSM's thread
  };
  // `index`: of the item that is the envelope.
  std::optional<Result<Readable>> find(std::uint32_t index, const EnvelopeView& envelope);

  static Result<void> open(const Readable& readable, const EnvelopeView& envelope, ByteView aad,
                           ByteSpan out);

  bool missing_keys() const { return !missing_.empty() || !to_open_.empty(); }
  // Derives what was missing and opens what only the HSM opens. A request that needs more keys than
  // it may hold is opened part by part on the HSM's thread, where others get their turn in between.
  HsmWork hsm_work();

  // Counts an item that failed before its key was known.
  void count_unreadable() { unreadable_.items++, unreadable_.failed_items++; }
  std::span<const std::unique_ptr<KeyUse>> uses() const { return uses_; }
  std::vector<KeyUse> take_uses();
  // The one use whose refusal explains why every item failed; nullptr when there is none such.
  const KeyUse* sole_refusal() const;

 private:
  struct Missing {
    keys::KeyPointer key;
    std::uint16_t version;
    GcmSalt salt;
  };

  static std::string names_of(const std::vector<Missing>& missing);
  KeyUse& use_of(const EnvelopeView& envelope);
  bool find_working_key(const EnvelopeView& envelope);
  void note_missing(std::uint32_t index, const EnvelopeView& envelope, const keys::KeyPointer& key);
  void note_to_open(std::uint32_t index, const EnvelopeView& envelope, const keys::KeyPointer& key);

  void decide(KeyUse& use);

  Request& request_;
  std::optional<Granted> named_;
  std::vector<std::unique_ptr<KeyUse>> uses_;
  std::unordered_map<KeyVersionId, std::size_t> use_of_id_;  // by use_id()
  KeyUse unreadable_;
  std::vector<Missing> missing_;
  std::vector<ItemOfKey> unopened_;  // that the missing keys open
  std::vector<ItemOfKey> to_open_;
  HsmShare share_;
  // The run under way.
  std::size_t current_use_ = SIZE_MAX;
  KeyVersionId current_id_;
  std::shared_ptr<const crypto::GcmWorkingKey> gcm_;
  std::shared_ptr<const crypto::SivWorkingKey> siv_;
};

}  // namespace nae::operations
