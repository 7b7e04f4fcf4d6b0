#include "keyserver/service/opener.hpp"

#include <algorithm>

#include "keyserver/keys/state.hpp"

namespace nae::service {
namespace {

// Why `caller` may not read with this version; nothing when they may.
Code refusal_of(const keys::Key* key, std::uint16_t version, Format format,
                const policy::Decision& decision, Action action) {
  if (!key) return Code::envelope_foreign;
  if (!decision.allowed()) return Code::denied;
  const keys::Version* found = key->version(version);
  if (!found) return Code::envelope_foreign;
  if (!permits(found->state, action)) return Code::key_state;
  KeyType expected = format == Format::aes_256_gcm ? KeyType::aes_256_gcm : KeyType::aes_256_siv;
  return key->type == expected ? Code{} : Code::envelope_malformed;
}

}  // namespace

KeyUse& Opener::use_of(const EnvelopeView& envelope) {
  if (current_use_ < use_ids_.size() && use_ids_[current_use_] == envelope.key)
    return *uses_[current_use_];
  auto known = std::find(use_ids_.begin(), use_ids_.end(), envelope.key);
  current_use_ = static_cast<std::size_t>(known - use_ids_.begin());
  if (known != use_ids_.end()) return *uses_[current_use_];

  auto use = std::make_unique<KeyUse>();
  use->key = request_.parts.ring.find(envelope.key.key);
  use->version = envelope.key.version;
  Action action = request_.header().action;
  if (use->key)
    use->decision = request_.caller.decide(request_.parts.policy, action, use->key->name);
  use->refusal = refusal_of(use->key.get(), use->version, envelope.format, use->decision, action);
  use_ids_.push_back(envelope.key);
  return *uses_.emplace_back(std::move(use));
}

bool Opener::find_working_key(const EnvelopeView& envelope) {
  keys::WorkingKeys& cache = request_.parts.working_keys;
  const Prepared& prepared = request_.prepared;
  if (envelope.format == Format::aes_256_gcm) {
    auto fits = [&](const auto& key) {
      return key && key->id == envelope.key && key->salt == envelope.salt;
    };
    if (fits(gcm_)) return true;
    auto made = std::find_if(prepared.gcm.begin(), prepared.gcm.end(), fits);
    gcm_ = made != prepared.gcm.end() ? *made : cache.find_gcm(envelope.key, envelope.salt);
    return gcm_ != nullptr;
  }
  auto fits = [&](const auto& key) { return key && key->id == envelope.key; };
  if (fits(siv_)) return true;
  auto made = std::find_if(prepared.siv_readers.begin(), prepared.siv_readers.end(), fits);
  siv_ = made != prepared.siv_readers.end() ? *made : cache.find_siv(envelope.key);
  return siv_ != nullptr;
}

void Opener::note_missing(const EnvelopeView& envelope, const keys::KeyPointer& key) {
  bool noted = std::any_of(missing_.begin(), missing_.end(), [&](const Missing& m) {
    return m.key->id == envelope.key.key && m.version == envelope.key.version &&
           m.salt == envelope.salt;
  });
  if (!noted && missing_.size() <= request_.parts.settings.max_working_keys_per_request)
    missing_.push_back({key, envelope.key.version, envelope.format, envelope.salt});
}

std::optional<Result<Opener::Readable>> Opener::find(const EnvelopeView& envelope) {
  KeyUse& use = use_of(envelope);
  use.items++;
  if (use.refusal != Code{}) {
    use.failed_items++;
    return fail(use.refusal, {});
  }
  if (!find_working_key(envelope)) {
    note_missing(envelope, use.key);
    return std::nullopt;
  }
  bool randomized = envelope.format == Format::aes_256_gcm;
  return Readable{&use, randomized ? gcm_.get() : nullptr, randomized ? nullptr : siv_.get()};
}

Result<void> Opener::open(const Readable& readable, const EnvelopeView& envelope, ByteView aad,
                          ByteSpan out) {
  return readable.gcm ? crypto::open_gcm(*readable.gcm, envelope, aad, out)
                      : crypto::open_siv(*readable.siv, envelope, aad, out);
}

Outcome Opener::hsm_work() {
  std::size_t most = request_.parts.settings.max_working_keys_per_request;
  std::size_t held = request_.prepared.gcm.size() + request_.prepared.siv_readers.size();
  if (missing_.size() + held > most)
    return Refused{Error(Code::too_many_items,
                         "the values of one request were encrypted under more than " +
                             std::to_string(most) + " salts",
                         "Send fewer values in one request, or rewrap them."),
                   {},
                   {}};
  return HsmWork([&working_keys = request_.parts.working_keys, missing = std::move(missing_)](
                     keys::Hsm& hsm, const wire::CryptoRequestView&) -> Result<Prepared> {
    Prepared prepared;
    for (const Missing& m : missing) {
      if (m.format == Format::aes_256_gcm) {
        NAE_ASSIGN(auto key, working_keys.derive_gcm(hsm, *m.key, m.version, m.salt));
        prepared.gcm.push_back(std::move(key));
      } else {
        NAE_ASSIGN(auto key, working_keys.derive_siv(hsm, *m.key, m.version));
        prepared.siv_readers.push_back(std::move(key));
      }
    }
    return prepared;
  });
}

std::vector<KeyUse> Opener::take_uses() {
  std::vector<KeyUse> uses;
  for (auto& use : uses_) uses.push_back(std::move(*use));
  if (unreadable_.items > 0) {
    unreadable_.refusal = Code::envelope_malformed;
    uses.push_back(std::move(unreadable_));
  }
  return uses;
}

const KeyUse* Opener::sole_refusal() const {
  if (unreadable_.items > 0 || uses_.size() != 1) return nullptr;
  return uses_.front()->refusal != Code{} ? uses_.front().get() : nullptr;
}

}  // namespace nae::service
