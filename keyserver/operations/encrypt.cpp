#include "keyserver/keys/version_limits.hpp"
#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"
#include "keyserver/operations/write_back.hpp"

namespace nae::operations {
namespace {

// Seals every item by `seal(aad, plaintext, out)`, which is given exactly `overhead` bytes more
// than the plaintext has. Answers how many items failed.
template <class Seal>
std::uint32_t seal_all(Request& request, std::size_t overhead, Seal seal) {
  Answer& answer = request.answer;
  answer.begin(request.count(), request.asked.data_bytes() + request.count() * overhead);
  // Of search tokens nothing is written: who looks for a masked form finds nothing.
  std::optional<WriteBack> write_back;
  if (!asks_for_search_tokens(request.asked)) write_back.emplace(request);
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    const ByteView plaintext = request.asked.items[i];
    if (auto refusal = write_back ? write_back->refusal(plaintext) : std::nullopt) {
      answer.fail_item(*refusal);
      ++failed;
      continue;
    }
    ByteSpan out = answer.begin_item(plaintext.size() + overhead);
    seal(request.asked.aad_of(i), plaintext, out);
    answer.finish_item(policy::Verdict::value, out.size());
  }
  return failed;
}

Outcome encrypt_randomized(Request& request, const Granted& granted) {
  const KeyVersionId id{granted.key->id, granted.version->number};
  std::optional<keys::EncryptLease> lease;
  auto& leases = request.progress.prepared.keys;
  if (const auto* last = leases.empty() ? nullptr : std::get_if<keys::EncryptLease>(&leases.back());
      last && last->key->id == id)
    lease = *last;
  else
    lease = request.parts.working_keys.lease(id, request.count());
  if (!lease) {
    return HsmWork(
        [&working_keys = request.parts.working_keys, key = granted.key, version = id.version,
         items = request.count(),
         party = request.party()](keys::Hsm& hsm, const CryptoRequest&) -> Result<Prepared> {
          Prepared prepared;
          NAE_ASSIGN(auto made, working_keys.begin_encryption(hsm, *key, version, items, party));
          prepared.keys.emplace_back(std::move(made));
          return prepared;
        },
        working_key_name("lease", id));
  }
  std::uint32_t next = 0;
  leases.clear();  // its counters are spent, whatever happens to this request later
  std::uint32_t failed =
      seal_all(request, kGcmOverheadBytes, [&](ByteView aad, ByteView plaintext, ByteSpan out) {
        crypto::seal_gcm(*lease->key, lease->at(next++), aad, plaintext, out);
      });
  return served(granted, request.count(), failed);
}

Outcome encrypt_deterministic(Request& request, const Granted& granted) {
  const KeyVersionId id{granted.key->id, granted.version->number};
  auto key = request.progress.prepared.find<crypto::SivWorkingKey>(
      [&](const crypto::SivWorkingKey& made) { return made.id == id; });
  if (!key) key = request.parts.working_keys.find_siv(id);
  if (!key) {
    return HsmWork(
        [&working_keys = request.parts.working_keys, key = granted.key, version = id.version,
         party = request.party()](keys::Hsm& hsm, const CryptoRequest&) -> Result<Prepared> {
          Prepared prepared;
          NAE_ASSIGN(auto made, working_keys.derive_siv(hsm, *key, version, party));
          prepared.keys.emplace_back(std::move(made));
          return prepared;
        },
        working_key_name("siv", id));
  }
  std::uint32_t failed =
      seal_all(request, kSivOverheadBytes, [&](ByteView aad, ByteView plaintext, ByteSpan out) {
        crypto::seal_siv(*key, aad, plaintext, out);
      });
  return served(granted, request.count(), failed);
}

// One that is refused gets no bytes.
HsmWork seal_some(const Request& request, const Granted& granted) {
  return make_some(
      request,
      [&ring = request.parts.ring, key = granted.key, version = granted.version->number](
          keys::Hsm& hsm, const CryptoRequest& asked, std::uint32_t item) -> Result<Bytes> {
        const ByteView value = asked.items[item];
        if (is_own_envelope(ring, value)) return Bytes();
        return seal_in_hsm(hsm, *key, version, asked.aad_of(item), value);
      });
}

bool sealed_with(const Prepared& prepared, const KeyVersionId& id) {
  for (const auto& [item, bytes] : prepared.made)
    if (auto envelope = parse_envelope(bytes)) return envelope->key == id;
  return true;
}

Outcome encrypt_in_hsm(Request& request, const Granted& granted) {
  auto& made = request.progress.prepared.made;
  // What was sealed under a version that is no longer the one to use does not leave.
  if (!sealed_with(request.progress.prepared, {granted.key->id, granted.version->number}))
    made.clear();
  if (made.size() < request.count()) return seal_some(request, granted);
  request.answer.begin(request.count(),
                       request.asked.data_bytes() + request.count() * kHsmGcmOverheadBytes);
  const WriteBack write_back(request);
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    auto refusal = write_back.refusal(request.asked.items[i]);
    if (!refusal && !made.at(i).empty()) {
      request.answer.add_item(made.at(i));
      continue;
    }
    request.answer.fail_item(refusal.value_or(Code::already_encrypted));
    ++failed;
  }
  return served(granted, request.count(), failed);
}

}  // namespace

Outcome encrypt(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.asked.algorithm > static_cast<std::uint8_t>(EncryptForm::search_token))
    return Refused{Error(Code::unsupported, "unknown form of encryption"), granted.key->name,
                   granted.decision};
  // A search token is what is stored already or compared with it: none more under this version.
  if (!asks_for_search_tokens(request.asked))
    if (auto within = keys::check_uses(*granted.key, *granted.version, request.count()); !within)
      return Refused{within.error(), granted.key->name, granted.decision};
  if (granted.key->protection == keys::Protection::hsm_only)
    return encrypt_in_hsm(request, granted);
  return granted.key->type == KeyType::aes_256_siv ? encrypt_deterministic(request, granted)
                                                   : encrypt_randomized(request, granted);
}

}  // namespace nae::operations
