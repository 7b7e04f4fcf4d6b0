#include "keyserver/operations/opener.hpp"

#include <algorithm>
#include <set>

#include "keyserver/keys/state.hpp"
#include "keyserver/operations/open_part.hpp"

namespace nae::operations {
namespace {

// Why `caller` may not read with this version; nothing when they may.
Code refusal_of(const keys::Key* key, std::uint16_t version, const policy::Decision& decision,
                Action action) {
  if (!key) return Code::envelope_foreign;
  if (!grants(decision, action)) return Code::denied;
  if (!key->attributes.allows(action)) return Code::key_attribute;
  const keys::Version* found = key->version(version);
  if (!found) return Code::envelope_foreign;
  return permits(found->state, action) ? Code{} : Code::key_state;
}

bool needs_plaintext(policy::Verdict verdict) {
  return verdict == policy::Verdict::value || verdict == policy::Verdict::masked;
}

// A key version serves one format: under another it would be used in two ways.
bool fits(Format format, const keys::Key& key) {
  const bool in_hsm = key.protection == keys::Protection::hsm_only;
  switch (format) {
    case Format::aes_256_gcm:
    case Format::aes_256_gcm_lease:
      return key.type == KeyType::aes_256_gcm && !in_hsm;
    case Format::aes_256_gcm_hsm:
      return key.type == KeyType::aes_256_gcm && in_hsm;
    case Format::aes_256_siv:
      return key.type == KeyType::aes_256_siv && !in_hsm;
    default:
      return false;
  }
}

// Ids that nobody gave out are one use together, and so are the unborn versions of a key: who sends
// envelopes invents as many as they like, and each use is a record.
KeyVersionId use_id(const keys::Key* key, const KeyVersionId& id) {
  if (!key) return {};
  return {id.key, key->version(id.version) ? id.version : std::uint16_t{0}};
}

}  // namespace

KeyUse& Opener::use_of(const EnvelopeView& envelope) {
  if (current_use_ < uses_.size() && current_id_ == envelope.key) return *uses_[current_use_];
  keys::KeyPointer key = request_.parts.ring.find(envelope.key.key);
  auto [known, is_new] = use_of_id_.try_emplace(use_id(key.get(), envelope.key), uses_.size());
  current_use_ = known->second;
  current_id_ = envelope.key;
  if (!is_new) return *uses_[current_use_];

  auto use = std::make_unique<KeyUse>();
  use->key = std::move(key);
  use->version = known->first.version;
  decide(*use);
  return *uses_.emplace_back(std::move(use));
}

// Whoever may write with another key could otherwise forge a value of the one that the asker reads:
// an envelope is of the key whose id it has, whatever its place says. It is that by its id, which
// is never given twice, and not by its name.
void Opener::decide(KeyUse& use) {
  const Action action = request_.asked.action;
  if (named_)
    use.decision = named_->decision;
  else if (use.key)
    use.decision = request_.decide(action, use.key->name);
  const bool foreign = named_ && (!use.key || use.key->id != named_->key->id);
  use.refusal = foreign ? Code::envelope_foreign
                        : refusal_of(use.key.get(), use.version, use.decision, action);
}

bool Opener::find_working_key(const EnvelopeView& envelope) {
  keys::WorkingKeys& cache = request_.parts.working_keys;
  const Prepared& prepared = request_.progress.prepared;
  if (is_salted(envelope.format)) {
    const auto fits = [&](const crypto::GcmWorkingKey& key) {
      return key.id == envelope.key && key.salt == envelope.gcm_salt();
    };
    if (gcm_ && fits(*gcm_)) return true;
    gcm_ = prepared.find<crypto::GcmWorkingKey>(fits);
    if (!gcm_) gcm_ = cache.find_gcm(envelope.key, envelope.gcm_salt());
    return gcm_ != nullptr;
  }
  const auto fits = [&](const crypto::SivWorkingKey& key) { return key.id == envelope.key; };
  if (siv_ && fits(*siv_)) return true;
  siv_ = prepared.find<crypto::SivWorkingKey>(fits);
  if (!siv_) siv_ = cache.find_siv(envelope.key);
  return siv_ != nullptr;
}

void Opener::note_missing(std::uint32_t index, const EnvelopeView& envelope,
                          const keys::KeyPointer& key) {
  unopened_.push_back({index, key});
  const std::size_t most = request_.parts.settings.max_working_keys_per_request;
  if (missing_.size() > most) return;  // opened in parts
  bool noted = std::any_of(missing_.begin(), missing_.end(), [&](const Missing& m) {
    return m.key->id == envelope.key.key && m.version == envelope.key.version &&
           m.salt == envelope.gcm_salt();
  });
  if (!noted) missing_.push_back({key, envelope.key.version, envelope.gcm_salt()});
}

void Opener::note_to_open(std::uint32_t index, const EnvelopeView& envelope,
                          const keys::KeyPointer& key) {
  if (share_.take(envelope.ciphertext.size())) to_open_.push_back({index, key});
}

std::optional<Result<Opener::Readable>> Opener::find(std::uint32_t index,
                                                     const EnvelopeView& envelope) {
  KeyUse& use = use_of(envelope);
  use.items++;
  if (use.refusal != Code{}) {
    use.failed_items++;
    return fail(use.refusal, {});
  }
  // Each envelope says its own format: one that was changed must not decide for its neighbours.
  if (!fits(envelope.format, *use.key)) {
    use.failed_items++;
    return fail(Code::envelope_malformed, {});
  }
  if (!needs_plaintext(use.decision.verdict)) return Readable{.use = &use};
  const auto& opened = request_.progress.prepared.opened;
  if (const auto found = opened.empty() ? opened.end() : opened.find(index); found != opened.end())
    return Readable{.use = &use, .opened = &found->second};
  if (envelope.format == Format::aes_256_gcm_hsm) {
    note_to_open(index, envelope, use.key);
    return std::nullopt;
  }
  if (!find_working_key(envelope)) {
    note_missing(index, envelope, use.key);
    return std::nullopt;
  }
  if (is_salted(envelope.format)) return Readable{.use = &use, .gcm = gcm_.get()};
  return Readable{.use = &use, .siv = siv_.get()};
}

Result<void> Opener::open(const Readable& readable, const EnvelopeView& envelope, ByteView aad,
                          ByteSpan out) {
  if (readable.opened) {
    if (!*readable.opened) return fail(readable.opened->error());
    std::ranges::copy(**readable.opened, out.begin());
    return {};
  }
  return readable.gcm ? crypto::open_gcm(*readable.gcm, envelope, aad, out)
                      : crypto::open_siv(*readable.siv, envelope, aad, out);
}

std::string Opener::names_of(const std::vector<Missing>& missing) {
  std::set<std::string> names;  // whatever the order of the items
  for (const Missing& m : missing)
    names.insert(working_key_name("open" + std::to_string(static_cast<int>(m.salt.format)),
                                  {m.key->id, m.version}, m.salt.bytes));
  std::string all;
  for (const std::string& name : names) all += name;
  return all;
}

HsmWork Opener::hsm_work() {
  std::size_t most = request_.parts.settings.max_working_keys_per_request;
  if (missing_.size() + request_.progress.prepared.keys.size() > most)
    return open_part(request_.parts.working_keys, std::move(unopened_), most, request_.party());
  std::string makes = to_open_.empty() ? names_of(missing_) : std::string();
  return HsmWork(
      [&working_keys = request_.parts.working_keys, missing = std::move(missing_),
       to_open = std::move(to_open_),
       party = request_.party()](keys::Hsm& hsm, const CryptoRequest& asked) -> Result<Prepared> {
        Prepared prepared;
        for (const ItemOfKey& item : to_open) {
          NAE_ASSIGN(const EnvelopeView envelope, parse_envelope(asked.items[item.index]));
          NAE_ASSIGN(auto opened, open_in_hsm(hsm, *item.key, envelope, asked.aad_of(item.index)));
          prepared.opened.emplace(item.index, std::move(opened));
        }
        for (const Missing& m : missing) {
          if (is_salted(m.salt.format)) {
            NAE_ASSIGN(auto key, working_keys.derive_gcm(hsm, *m.key, m.version, m.salt, party));
            prepared.keys.emplace_back(std::move(key));
          } else {
            NAE_ASSIGN(auto key, working_keys.derive_siv(hsm, *m.key, m.version, party));
            prepared.keys.emplace_back(std::move(key));
          }
        }
        return prepared;
      },
      std::move(makes));
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

}  // namespace nae::operations
