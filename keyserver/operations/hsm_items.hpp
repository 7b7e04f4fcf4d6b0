// Items of a request that the HSM computes itself: signatures, random bytes, and all of hsm-only
// keys. Those of a request go in as few jobs as its fair share of the HSM's one thread allows.
#pragma once

#include <cstdint>
#include <functional>

#include "keyserver/operations/request.hpp"

namespace nae::operations {

// What one job may take before others get their turn: on SoftHSM2 some tens of milliseconds.
class HsmShare {
 public:
  explicit HsmShare(std::size_t items = 4096, std::size_t bytes = 4u << 20)
      : items_(items), bytes_(bytes) {}
  // False when the share is used up. The first item is always granted.
  bool take(std::size_t bytes);

 private:
  std::size_t items_, bytes_;
  bool untouched_ = true;
};

// The answer of one item, computed on the HSM's thread. Empty: it needs none of the HSM's.
using ItemFunction =
    std::function<Result<Bytes>(keys::Hsm&, const CryptoRequest& asked, std::uint32_t item)>;

// Makes the answers of the items that follow those that `request` has, in their order.
HsmWork make_some(const Request& request, ItemFunction make, HsmShare share = HsmShare());

struct ItemOfKey {
  std::uint32_t index;  // in the request
  keys::KeyPointer key;
};

// On the HSM's thread. What does not authenticate is the inner error, any other failure the outer.
Result<Result<Bytes>> open_in_hsm(keys::Hsm& hsm, const keys::Key& key,
                                  const EnvelopeView& envelope, ByteView aad);
Result<Bytes> seal_in_hsm(keys::Hsm& hsm, const keys::Key& key, std::uint16_t version, ByteView aad,
                          ByteView plaintext);

}  // namespace nae::operations
