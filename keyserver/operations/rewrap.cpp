#include "keyserver/keys/version_limits.hpp"
#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/charge.hpp"
#include "keyserver/operations/hsm_items.hpp"
#include "keyserver/operations/opener.hpp"

namespace nae::operations {
namespace {

// Seals a value again under the primary version of the key it came from. The plaintext stays in
// this process, in memory that is wiped.
class Sealer {
 public:
  explicit Sealer(Request& request) : request_(request) {}

  // Finds what is needed to write under the primary version of `key`; Code::key_state when it has
  // none, key_exhausted when that has encrypted all it may. A key that the HSM must still derive is
  // noted.
  Code prepare(const keys::KeyPointer& key) {
    if (key == key_) return refusal_;
    key_ = key;
    version_ = key->primary();
    lease_.reset();
    refusal_ = Code{};
    if (!version_) return refusal_ = Code::key_state;
    if (!keys::check_uses(*key, *version_, request_.count())) return refusal_ = Code::key_exhausted;
    id_ = {key->id, version_->number};
    if (key->type == KeyType::aes_256_siv) find_siv();
    return refusal_;
  }
  bool in_hsm() const { return key_->protection == keys::Protection::hsm_only; }
  std::size_t overhead() const {
    if (in_hsm()) return kHsmGcmOverheadBytes;
    return key_->type == KeyType::aes_256_siv ? kSivOverheadBytes : kGcmOverheadBytes;
  }
  // False: nothing was sealed, the HSM must make a working key or seal the value first. `index`: of
  // the item.
  bool seal(std::uint32_t index, ByteView aad, ByteView plaintext, ByteSpan out) {
    if (in_hsm()) return take_sealed(index, plaintext, out);
    if (key_->type == KeyType::aes_256_siv) {
      if (!siv_) return note_missing();
      crypto::seal_siv(*siv_, aad, plaintext, out);
      tally.add(*version_);
      return true;
    }
    if (!lease_ || leased_ == kItemsPerLease) {
      lease_ = request_.parts.working_keys.lease(id_, kItemsPerLease);
      leased_ = 0;
    }
    if (!lease_) return note_missing();
    crypto::seal_gcm(*lease_->key, lease_->at(leased_++), aad, plaintext, out);
    tally.add(*version_);
    return true;
  }
  bool missing_key() const { return missing_ != nullptr; }
  bool missing() const { return missing_key() || !to_seal_.empty(); }
  HsmWork hsm_work() {
    if (!to_seal_.empty())
      return [items = std::move(to_seal_)](keys::Hsm& hsm,
                                           const CryptoRequest& asked) -> Result<Prepared> {
        Prepared prepared;
        for (const ToSeal& item : items) {
          NAE_ASSIGN(Bytes envelope, seal_in_hsm(hsm, *item.key, item.version,
                                                 asked.aad_of(item.index), item.plaintext));
          prepared.made.emplace(item.index, std::move(envelope));
        }
        return prepared;
      };
    return [&working_keys = request_.parts.working_keys, key = missing_, version = missing_version_,
            party = request_.party()](keys::Hsm& hsm, const CryptoRequest&) -> Result<Prepared> {
      Prepared prepared;
      if (key->type == KeyType::aes_256_siv) {
        NAE_ASSIGN(auto made, working_keys.derive_siv(hsm, *key, version, party));
        prepared.keys.emplace_back(std::move(made));
      } else {
        // The counters it hands out are left unused: what matters is that a salt is live
        // afterwards.
        NAE_TRY(working_keys.begin_encryption(hsm, *key, version, kItemsPerLease, party));
      }
      return prepared;
    };
  }

  VersionTally tally;

 private:
  struct ToSeal {
    std::uint32_t index;
    keys::KeyPointer key;
    std::uint16_t version;
    Bytes plaintext;
  };
  // A lease costs a system call; counters that are left over cost nothing.
  static constexpr std::uint32_t kItemsPerLease = 64;

  void find_siv() {
    siv_ = request_.progress.prepared.find<crypto::SivWorkingKey>(
        [&](const crypto::SivWorkingKey& made) { return made.id == id_; });
    if (!siv_) siv_ = request_.parts.working_keys.find_siv(id_);
  }
  bool take_sealed(std::uint32_t index, ByteView plaintext, ByteSpan out) {
    const auto found = request_.progress.prepared.made.find(index);
    if (found != request_.progress.prepared.made.end())
      // One sealed under a version that is no longer the primary one does not leave.
      if (auto made = parse_envelope(found->second); made && made->key == id_) {
        std::ranges::copy(found->second, out.begin());
        tally.add(*version_);
        return true;
      }
    if (share_.take(plaintext.size()))
      to_seal_.push_back({index, key_, id_.version, Bytes(plaintext.begin(), plaintext.end())});
    return false;
  }
  bool note_missing() {
    missing_ = key_;
    missing_version_ = id_.version;
    return false;
  }

  Request& request_;
  keys::KeyPointer key_;
  const keys::Version* version_ = nullptr;
  Code refusal_{};
  KeyVersionId id_;
  std::optional<keys::EncryptLease> lease_;
  std::uint32_t leased_ = 0;  // of its items
  std::shared_ptr<const crypto::SivWorkingKey> siv_;
  std::vector<ToSeal> to_seal_;
  HsmShare share_;
  keys::KeyPointer missing_;
  std::uint16_t missing_version_ = 0;
};

}  // namespace

Outcome rewrap(Request& request) {
  auto named = authorize_named(request);
  if (auto* refused = std::get_if<Refused>(&named)) return std::move(*refused);
  Opener opener(request, std::move(std::get<std::optional<Granted>>(named)));
  Sealer sealer(request);
  Answer& answer = request.answer;
  answer.begin(request.count(), request.asked.data_bytes());
  Bytes plaintext;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    auto envelope = parse_envelope(request.asked.items[i]);
    const ByteView aad = request.asked.aad_of(i);
    if (!envelope) {
      opener.count_unreadable();
      answer.fail_item(envelope.error().code);
      continue;
    }
    auto found = opener.find(i, *envelope);
    if (!found || opener.missing_keys() || sealer.missing_key()) continue;
    if (!*found) {
      answer.fail_item(found->error().code);
      continue;
    }
    KeyUse& use = *(*found)->use;
    plaintext.resize(envelope->ciphertext.size());
    auto opened = Opener::open(**found, *envelope, aad, plaintext);
    const Code refusal = opened ? sealer.prepare(use.key) : opened.error().code;
    if (refusal != Code{}) {
      use.failed_items++;
      answer.fail_item(refusal);
      continue;
    }
    ByteSpan out = answer.begin_item(plaintext.size() + sealer.overhead());
    if (sealer.seal(i, aad, plaintext, out))
      answer.finish_item(policy::Verdict::value, out.size());
    else
      answer.fail_item(Code::internal);  // dropped with the whole answer
  }
  if (auto refused = charge(request, opener.uses())) return std::move(*refused);
  if (opener.missing_keys()) return opener.hsm_work();
  if (sealer.missing()) return sealer.hsm_work();
  if (const KeyUse* refusal = opener.sole_refusal()) return explain(request, *refusal);
  return Served{opener.take_uses(), sealer.tally.take()};
}

}  // namespace nae::operations
