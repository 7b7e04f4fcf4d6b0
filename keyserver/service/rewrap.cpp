#include "keyserver/keys/version_limits.hpp"
#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"
#include "keyserver/service/charge.hpp"
#include "keyserver/service/hsm_items.hpp"
#include "keyserver/service/opener.hpp"

namespace nae::service {
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
      return [items = std::move(to_seal_)](
                 keys::Hsm& hsm, const wire::CryptoRequestView& view) -> Result<Prepared> {
        Prepared prepared;
        NAE_ASSIGN(prepared.sealed, seal_in_hsm(hsm, view, items));
        return prepared;
      };
    return [&working_keys = request_.parts.working_keys, key = missing_, version = missing_version_,
            party = request_.party()](keys::Hsm& hsm,
                                      const wire::CryptoRequestView&) -> Result<Prepared> {
      Prepared prepared;
      if (key->type == KeyType::aes_256_siv) {
        NAE_ASSIGN(auto made, working_keys.derive_siv(hsm, *key, version, party));
        prepared.siv_readers.push_back(std::move(made));
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
  // A lease costs a system call; counters that are left over cost nothing.
  static constexpr std::uint32_t kItemsPerLease = 64;

  void find_siv() {
    siv_ = request_.parts.working_keys.find_siv(id_);
    for (const auto& made : request_.prepared.siv_readers)
      if (made->id == id_) siv_ = made;
  }
  bool take_sealed(std::uint32_t index, ByteView plaintext, ByteSpan out) {
    const auto found = request_.prepared.sealed.find(index);
    if (found != request_.prepared.sealed.end())
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
  std::vector<HsmItem> to_seal_;
  HsmShare share_;
  keys::KeyPointer missing_;
  std::uint16_t missing_version_ = 0;
};

}  // namespace

Outcome rewrap(Request& request) {
  const std::size_t start = request.out.size();
  auto named = authorize_named(request);
  if (auto* refused = std::get_if<Refused>(&named)) return std::move(*refused);
  Opener opener(request, std::move(std::get<std::optional<Granted>>(named)));
  Sealer sealer(request);
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(),
                                request.view.items.data_bytes());
  auto items = request.view.items.cursor();
  AadCursor aad(request.view);
  Bytes plaintext;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    auto envelope = parse_envelope(items.next());
    ByteView item_aad = aad.next();
    if (!envelope) {
      opener.count_unreadable();
      reply.fail_item(envelope.error().code);
      continue;
    }
    auto found = opener.find(i, *envelope);
    if (!found || opener.missing_keys() || sealer.missing_key()) continue;
    if (!*found) {
      reply.fail_item(found->error().code);
      continue;
    }
    KeyUse& use = *(*found)->use;
    plaintext.resize(envelope->ciphertext.size());
    auto opened = Opener::open(**found, *envelope, item_aad, plaintext);
    const Code refusal = opened ? sealer.prepare(use.key) : opened.error().code;
    if (refusal != Code{}) {
      use.failed_items++;
      reply.fail_item(refusal);
      continue;
    }
    ByteSpan out = reply.begin_item(plaintext.size() + sealer.overhead());
    if (sealer.seal(i, item_aad, plaintext, out))
      reply.finish_item(wire::ItemResult::value, out.size());
    else
      reply.fail_item(Code::internal);  // dropped with the whole reply
  }
  if (auto refused = charge(request, opener.uses())) {
    discard_reply(request, start);
    return std::move(*refused);
  }
  if (opener.missing_keys() || sealer.missing()) {
    discard_reply(request, start);
    if (opener.missing_keys()) return opener.hsm_work();
    return sealer.hsm_work();
  }
  if (const KeyUse* refusal = opener.sole_refusal()) {
    discard_reply(request, start);
    return explain(request, *refusal);
  }
  reply.finish();
  return Served{opener.take_uses(), sealer.tally.take()};
}

}  // namespace nae::service
