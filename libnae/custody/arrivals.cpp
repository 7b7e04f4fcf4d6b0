#include "libnae/custody/arrivals.hpp"

#include <algorithm>

#include "libnae/custody/custody_secret.hpp"

namespace nae::custody {

Result<void> Arrivals::take(const CardReader& card) {
  NAE_ASSIGN(const std::size_t index, card.find_share(set_));
  const ShareRecord& record = set_.shares[index];
  if (std::ranges::find(holders_, record.holder) != holders_.end())
    return fail(Code::conflict, "the card of " + record.holder + " is there twice",
                "Each custodian brings their own card.");
  NAE_ASSIGN(const crypto::SecretBytes opened, card.decrypt(record, record.sealed));
  NAE_ASSIGN(crypto::Share share, open_share(set_, index, opened));
  shares_.push_back(std::move(share));
  holders_.push_back(record.holder);
  return {};
}

Result<crypto::SecretBytes> Arrivals::join() const {
  return join_shares(set_, shares_);
}

}  // namespace nae::custody
