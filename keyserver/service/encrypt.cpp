#include "keyserver/keys/version_limits.hpp"
#include "keyserver/service/actions.hpp"
#include "keyserver/service/asked.hpp"
#include "keyserver/service/authorize.hpp"
#include "keyserver/service/hsm_items.hpp"
#include "keyserver/service/write_back.hpp"

namespace nae::service {
namespace {

// Seals every item by `seal(aad, plaintext, out)`, which is given exactly `overhead` bytes more
// than the plaintext has. Answers how many items failed.
template <class Seal>
std::uint32_t seal_all(Request& request, std::size_t overhead, Seal seal) {
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(),
                                request.view.items.data_bytes() + request.count() * overhead);
  auto items = request.view.items.cursor();
  AadCursor aad(request.view);
  // Of search tokens nothing is written: who looks for a masked form finds nothing.
  std::optional<WriteBack> write_back;
  if (!asks_for_search_tokens(request.header())) write_back.emplace(request);
  std::uint32_t failed = 0;
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    ByteView plaintext = items.next();
    ByteView item_aad = aad.next();
    if (auto refusal = write_back ? write_back->refusal(plaintext) : std::nullopt) {
      reply.fail_item(*refusal);
      ++failed;
      continue;
    }
    ByteSpan out = reply.begin_item(plaintext.size() + overhead);
    seal(item_aad, plaintext, out);
    reply.finish_item(wire::ItemResult::value, out.size());
  }
  reply.finish();
  return failed;
}

Outcome encrypt_randomized(Request& request, const Granted& granted) {
  const KeyVersionId id{granted.key->id, granted.version->number};
  std::optional<keys::EncryptLease> lease;
  auto& leases = request.prepared.leases;
  if (!leases.empty() && leases.back().key->id == id)
    lease = leases.back();
  else
    lease = request.parts.working_keys.lease(id, request.count());
  if (!lease) {
    return HsmWork(
        [&working_keys = request.parts.working_keys, key = granted.key, version = id.version,
         items = request.count(), party = request.party()](
            keys::Hsm& hsm, const wire::CryptoRequestView&) -> Result<Prepared> {
          Prepared prepared;
          NAE_ASSIGN(auto made, working_keys.begin_encryption(hsm, *key, version, items, party));
          prepared.leases.push_back(std::move(made));
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
  auto key = request.prepared.siv && request.prepared.siv->id == id
                 ? request.prepared.siv
                 : request.parts.working_keys.find_siv(id);
  if (!key) {
    return HsmWork(
        [&working_keys = request.parts.working_keys, key = granted.key, version = id.version,
         party = request.party()](keys::Hsm& hsm,
                                  const wire::CryptoRequestView&) -> Result<Prepared> {
          Prepared prepared;
          NAE_ASSIGN(prepared.siv, working_keys.derive_siv(hsm, *key, version, party));
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

// The values that follow those that `request` has already. One that is refused gets no bytes.
HsmWork seal_some(const Request& request, const Granted& granted) {
  return [&ring = request.parts.ring, key = granted.key, version = granted.version->number,
          first = request.prepared.results.size()](
             keys::Hsm& hsm, const wire::CryptoRequestView& view) -> Result<Prepared> {
    std::vector<HsmItem> items;
    HsmShare share;
    auto values = view.items.cursor();
    std::uint32_t end = 0;
    for (; end < view.items.count(); ++end) {
      const ByteView value = values.next();
      if (end < first) continue;
      if (!share.take(value.size())) break;
      if (!is_own_envelope(ring, value))
        items.push_back({end, key, version, Bytes(value.begin(), value.end())});
    }
    NAE_ASSIGN(auto sealed, seal_in_hsm(hsm, view, items));
    Prepared prepared;
    prepared.results.resize(end - first);
    for (auto& [index, envelope] : sealed) prepared.results[index - first] = std::move(envelope);
    return prepared;
  };
}

bool sealed_with(const std::vector<Bytes>& envelopes, const KeyVersionId& id) {
  for (const Bytes& bytes : envelopes)
    if (auto envelope = parse_envelope(bytes)) return envelope->key == id;
  return true;
}

Outcome encrypt_in_hsm(Request& request, const Granted& granted) {
  auto& results = request.prepared.results;
  // What was sealed under a version that is no longer the one to use does not leave.
  if (!sealed_with(results, {granted.key->id, granted.version->number})) results.clear();
  if (results.size() < request.count()) return seal_some(request, granted);
  wire::CryptoReplyWriter reply(
      request.out, request.id, request.count(),
      request.view.items.data_bytes() + request.count() * kHsmGcmOverheadBytes);
  const WriteBack write_back(request);
  auto values = request.view.items.cursor();
  std::uint32_t failed = 0;
  for (const Bytes& envelope : results) {
    auto refusal = write_back.refusal(values.next());
    if (refusal || envelope.empty()) {
      reply.fail_item(refusal.value_or(Code::already_encrypted));
      ++failed;
      continue;
    }
    std::ranges::copy(envelope, reply.begin_item(envelope.size()).begin());
    reply.finish_item(wire::ItemResult::value, envelope.size());
  }
  reply.finish();
  return served(granted, request.count(), failed);
}

}  // namespace

Outcome encrypt(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  if (request.header().algorithm > static_cast<std::uint8_t>(wire::EncryptForm::search_token))
    return Refused{Error(Code::unsupported, "unknown form of encryption"), granted.key->name,
                   granted.decision};
  // A search token is what is stored already or compared with it: none more under this version.
  if (!asks_for_search_tokens(request.header()))
    if (auto within = keys::check_uses(*granted.key, *granted.version, request.count()); !within)
      return Refused{within.error(), granted.key->name, granted.decision};
  if (granted.key->protection == keys::Protection::hsm_only)
    return encrypt_in_hsm(request, granted);
  return granted.key->type == KeyType::aes_256_siv ? encrypt_deterministic(request, granted)
                                                   : encrypt_randomized(request, granted);
}

}  // namespace nae::service
