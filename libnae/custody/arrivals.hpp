// Shares as they arrive, each checked at once.
#pragma once

#include <string>
#include <vector>

#include "libnae/crypto/shamir.hpp"
#include "libnae/custody/card_reader.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::custody {

class Arrivals {
 public:
  explicit Arrivals(const CustodySet& set) : set_(set) {}  // which outlives this

  // Opens the share of that card, and checks it. Code::conflict for a card that has none, and for
  // one that was there before; else what CardReader and open_share() say.
  Result<void> take(const CardReader& card);
  // Code::approval_required for fewer than k.
  Result<crypto::SecretBytes> join() const;
  const std::vector<std::string>& holders() const { return holders_; }

 private:
  const CustodySet& set_;
  std::vector<crypto::Share> shares_;
  std::vector<std::string> holders_;  // of them, in their order
};

}  // namespace nae::custody
