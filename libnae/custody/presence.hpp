// Presence: a card shows that it and its holder are there, for one request. A nonce is sealed to
// it; it answers with a code under that nonce. Works with cards that can only decrypt.
// docs/spec/custody.md, "Presence".
#pragma once

#include "libnae/custody/card_reader.hpp"

namespace nae::custody {

inline constexpr std::size_t kNonceBytes = 32;

// The nonce for one request, sealed to the card of `set.shares[index]`, whose public key the set
// knows by its digest alone: `public_key` is SubjectPublicKeyInfo, DER. Code::conflict when it is
// another card's.
Result<Bytes> seal_question(const CustodySet& set, std::size_t index, ByteView public_key,
                            const crypto::Sha256Digest& request, const crypto::SecretBytes& nonce);

// What the right card answers: HMAC-SHA-256(nonce, ...).
crypto::Sha256Digest presence_code(const crypto::SecretBytes& nonce, const GroupId& group,
                                   std::uint32_t generation, const crypto::Sha256Digest& request);

// A question as it comes to the custodian's desk.
struct Question {
  GroupId group{};
  std::uint32_t generation = 0;
  ShareRecord card;  // holder, sealing and digest of the card that is asked
  Bytes sealed;
};

// At the desk: opens it with the card and answers, if it is a question about exactly `request`.
// Code::conflict when it is about something else; Code::authentication_failed when what the card
// opens is no question: a share that somebody passes for one is not used.
Result<crypto::Sha256Digest> answer_question(const CardReader& card, const Question& question,
                                             const crypto::Sha256Digest& request);

}  // namespace nae::custody
