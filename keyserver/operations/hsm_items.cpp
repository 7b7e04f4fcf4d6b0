#include "keyserver/operations/hsm_items.hpp"

namespace nae::operations {
namespace {

Result<keys::HsmKey> key_of(const keys::Key& key, std::uint16_t number) {
  const keys::Version* version = key.version(number);
  if (!version) return fail(Code::key_unknown, "the key has no such version");
  return keys::hsm_key(key, *version);
}

}  // namespace

bool HsmShare::take(std::size_t bytes) {
  if (!std::exchange(untouched_, false) && (items_ == 0 || bytes > bytes_)) return false;
  items_ -= 1;
  bytes_ -= std::min(bytes, bytes_);
  return true;
}

HsmWork make_some(const Request& request, ItemFunction make, HsmShare share) {
  return [make = std::move(make), share, first = request.progress.prepared.made.size()](
             keys::Hsm& hsm, const CryptoRequest& asked) -> Result<Prepared> {
    Prepared prepared;
    HsmShare left = share;
    for (std::size_t i = first; i < asked.items.size() && left.take(asked.items[i].size()); ++i) {
      const auto item = static_cast<std::uint32_t>(i);
      NAE_ASSIGN(Bytes made, make(hsm, asked, item));
      prepared.made.emplace(item, std::move(made));
    }
    return prepared;
  };
}

Result<Result<Bytes>> open_in_hsm(keys::Hsm& hsm, const keys::Key& key,
                                  const EnvelopeView& envelope, ByteView aad) {
  NAE_ASSIGN(const keys::HsmKey hsm_key, key_of(key, envelope.key.version));
  Bytes plaintext(envelope.ciphertext.size());
  auto done = hsm.open(hsm_key, envelope, aad, plaintext);
  if (done) return Result<Bytes>(std::move(plaintext));
  if (done.error().code != Code::authentication_failed) return fail(std::move(done).error());
  return Result<Bytes>(fail(std::move(done).error()));
}

Result<Bytes> seal_in_hsm(keys::Hsm& hsm, const keys::Key& key, std::uint16_t version, ByteView aad,
                          ByteView plaintext) {
  NAE_ASSIGN(const keys::HsmKey hsm_key, key_of(key, version));
  Bytes envelope(plaintext.size() + kHsmGcmOverheadBytes);
  NAE_TRY(hsm.seal(hsm_key, aad, plaintext, envelope));
  return envelope;
}

}  // namespace nae::operations
