// The custody secret C: 32 bytes that nobody keeps. Shares of it are sealed to cards; what it wraps
// is in the custody set.
#pragma once

#include <span>

#include "libnae/crypto/shamir.hpp"
#include "libnae/custody/card.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::custody {

inline constexpr std::size_t kSecretBytes = 32;

// The AES-256 key that wraps what is kept. Each kind, group and generation has one of its own, so
// that nothing wrapped is taken for anything else: HMAC-SHA-256(C, ...), docs/spec/custody.md.
crypto::SecretBytes wrapping_key(const crypto::SecretBytes& secret, const GroupId& group,
                                 std::uint32_t generation, Kept kind);

// Fills `set.k` and `set.shares` of a set whose group and generation stand: a share for each card,
// in their order. Code::invalid_argument for no quorum; Code::conflict when two cards are one or
// have one holder.
Result<void> seal_shares(CustodySet& set, const crypto::SecretBytes& secret, std::size_t k,
                         std::span<const Card> cards, const crypto::RandomSource& random);

// What a card decrypted for `set.shares[index]`, as a share. Checked here, when it arrives, so that
// its holder can be named: a wrong one would be found only when all are there.
// Code::conflict for one of another group, generation or number; Code::authentication_failed when
// it is not the one that was committed to.
Result<crypto::Share> open_share(const CustodySet& set, std::size_t index,
                                 const crypto::SecretBytes& plaintext);

// Code::approval_required, saying how many are missing, for fewer than k shares.
Result<crypto::SecretBytes> join_shares(const CustodySet& set,
                                        std::span<const crypto::Share> shares);

}  // namespace nae::custody
