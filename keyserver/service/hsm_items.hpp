// Items of a request that the HSM computes itself: those of hsm-only keys. All of a request go in
// as few jobs as its fair share of the HSM's one thread allows.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "keyserver/service/request.hpp"

namespace nae::service {

// What one job may take before others get their turn: on SoftHSM2 some tens of milliseconds.
class HsmShare {
 public:
  // False when the share is used up. The first item is always granted.
  bool take(std::size_t bytes);

 private:
  std::size_t items_ = 0;
  std::size_t bytes_ = 0;
};

struct HsmItem {
  std::uint32_t index = 0;  // in the request; lists of items ascend by it
  keys::KeyPointer key;
  std::uint16_t version = 0;
  Bytes plaintext = {};  // to be sealed
};

// Run on the HSM's thread. An item that does not authenticate has that as its result; any other
// failure is the job's.
Result<std::unordered_map<std::uint32_t, Result<Bytes>>> open_in_hsm(
    keys::Hsm& hsm, const wire::CryptoRequestView& view, const std::vector<HsmItem>& items);
Result<std::unordered_map<std::uint32_t, Bytes>> seal_in_hsm(keys::Hsm& hsm,
                                                             const wire::CryptoRequestView& view,
                                                             const std::vector<HsmItem>& items);

}  // namespace nae::service
