#include "keyserver/service/hsm_items.hpp"

namespace nae::service {
namespace {

constexpr std::size_t kItemsPerJob = 4096;
constexpr std::size_t kBytesPerJob = 4u << 20;

// The items and associated data of a request, forward to the one that is asked for.
class ItemWalk {
 public:
  explicit ItemWalk(const wire::CryptoRequestView& view)
      : items_(view.items.cursor()), aads_(view) {}
  void to(std::uint32_t index) {
    for (; next_ <= index; ++next_) {
      item = items_.next();
      aad = aads_.next();
    }
  }
  ByteView item, aad;

 private:
  wire::ColumnView::Cursor items_;
  AadCursor aads_;
  std::uint32_t next_ = 0;
};

Result<keys::HsmKey> key_of(const HsmItem& item) {
  const keys::Version* version = item.key->version(item.version);
  if (!version) return fail(Code::key_unknown, "the key has no such version");
  return keys::hsm_key(*item.key, *version);
}

}  // namespace

bool HsmShare::take(std::size_t bytes) {
  if (items_ > 0 && (items_ >= kItemsPerJob || bytes_ + bytes > kBytesPerJob)) return false;
  ++items_;
  bytes_ += bytes;
  return true;
}

Result<std::unordered_map<std::uint32_t, Result<Bytes>>> open_in_hsm(
    keys::Hsm& hsm, const wire::CryptoRequestView& view, const std::vector<HsmItem>& items) {
  std::unordered_map<std::uint32_t, Result<Bytes>> opened;
  opened.reserve(items.size());
  ItemWalk walk(view);
  for (const HsmItem& item : items) {
    walk.to(item.index);
    NAE_ASSIGN(const EnvelopeView envelope, parse_envelope(walk.item));
    NAE_ASSIGN(const keys::HsmKey key, key_of(item));
    Bytes plaintext(envelope.ciphertext.size());
    auto done = hsm.open(key, envelope, walk.aad, plaintext);
    if (done)
      opened.emplace(item.index, std::move(plaintext));
    else if (done.error().code == Code::authentication_failed)
      opened.emplace(item.index, fail(std::move(done).error()));
    else
      return fail(std::move(done).error());
  }
  return opened;
}

Result<std::unordered_map<std::uint32_t, Bytes>> seal_in_hsm(keys::Hsm& hsm,
                                                             const wire::CryptoRequestView& view,
                                                             const std::vector<HsmItem>& items) {
  std::unordered_map<std::uint32_t, Bytes> sealed;
  sealed.reserve(items.size());
  ItemWalk walk(view);
  for (const HsmItem& item : items) {
    walk.to(item.index);
    NAE_ASSIGN(const keys::HsmKey key, key_of(item));
    Bytes envelope(item.plaintext.size() + kHsmGcmOverheadBytes);
    NAE_TRY(hsm.seal(key, walk.aad, item.plaintext, envelope));
    sealed.emplace(item.index, std::move(envelope));
  }
  return sealed;
}

}  // namespace nae::service
