#include "libnae/custody/custody_secret.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/key_transport.hpp"

namespace nae::custody {
namespace {

constexpr std::string_view kWrapText = "NAE custody wrap 1";
constexpr std::string_view kShareText = "NAE custody share 1";
constexpr Byte kShareVersion = 1;

// Locked memory for `before` and a share's bytes behind it: they meet nowhere else.
crypto::SecretBytes joined(ByteView before, const crypto::SecretBytes& share) {
  crypto::SecretBytes all(before.size() + share.size());
  std::ranges::copy(before, all.expose_for_writing().begin());
  std::ranges::copy(share.expose(), all.expose_for_writing().subspan(before.size()).begin());
  return all;
}

crypto::Sha256Digest commitment(const CustodySet& set, const Salt& salt,
                                const crypto::Share& share) {
  Bytes before;
  ByteWriter out(before);
  out.raw(as_bytes(kShareText));
  out.raw(set.group);
  out.u32(set.generation);
  out.raw(salt);
  out.u8(share.x);
  return crypto::sha256(joined(before, share.y).expose());
}

// What is sealed: it says itself which share of what it is, so that whoever opens it need not
// believe the file that it was taken from.
crypto::SecretBytes sealed_text(const CustodySet& set, const crypto::Share& share) {
  Bytes head;
  ByteWriter out(head);
  out.u8(kShareVersion);
  out.raw(set.group);
  out.u32(set.generation);
  out.u8(share.x);
  return joined(head, share.y);
}

// A holder is told from an administrator without regard to case, so two of them are, too.
std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Result<void> check_cards(std::span<const Card> cards) {
  std::set<std::string> holders;
  std::set<crypto::Sha256Digest> digests;
  for (const Card& card : cards) {
    if (!holders.insert(lower_case(card.holder)).second)
      return fail(Code::conflict, "two cards have the holder " + card.holder,
                  "Give the files different names: capitals make no difference.");
    if (!digests.insert(digest_of(card)).second)
      return fail(Code::conflict, "the card of " + card.holder + " is another holder's, too",
                  "A card that holds two shares would be two of k.");
  }
  return {};
}

std::string which(const CustodySet& set, std::size_t index) {
  return "the share of " + set.shares[index].holder;
}

}  // namespace

crypto::SecretBytes wrapping_key(const crypto::SecretBytes& secret, const GroupId& group,
                                 std::uint32_t generation, Kept kind) {
  Bytes input;
  ByteWriter out(input);
  out.raw(as_bytes(kWrapText));
  out.raw(group);
  out.u32(generation);
  out.u8(static_cast<Byte>(kind));
  crypto::SecretBytes key(crypto::kSha256Bytes);
  crypto::HmacSha256(secret).compute(
      input, std::span<Byte, crypto::kSha256Bytes>(key.expose_for_writing()));
  return key;
}

Result<void> seal_shares(CustodySet& set, const crypto::SecretBytes& secret, std::size_t k,
                         std::span<const Card> cards, const crypto::RandomSource& random) {
  NAE_TRY(check_quorum({k, cards.size()}));
  NAE_TRY(check_cards(cards));
  NAE_ASSIGN(const std::vector<crypto::Share> shares,
             crypto::split_secret(secret, k, cards.size(), random));
  NAE_ASSIGN(const crypto::SecretBytes again, crypto::combine_shares(std::span(shares).first(k)));
  if (!crypto::equal_in_constant_time(again.expose(), secret.expose()))
    return fail(Code::internal, "the shares do not give the custody secret");
  set.k = k;
  set.shares.clear();
  for (std::size_t i = 0; i < cards.size(); ++i) {
    ShareRecord record;
    record.holder = cards[i].holder;
    record.sealing = cards[i].sealing;
    record.card = digest_of(cards[i]);
    NAE_TRY(random(record.salt));
    record.commitment = commitment(set, record.salt, shares[i]);
    NAE_ASSIGN(record.sealed, crypto::encrypt_oaep(cards[i].public_key, hash_of(record.sealing),
                                                   sealed_text(set, shares[i]).expose()));
    set.shares.push_back(std::move(record));
  }
  return {};
}

Result<crypto::Share> open_share(const CustodySet& set, std::size_t index,
                                 const crypto::SecretBytes& plaintext) {
  ByteReader in(plaintext.expose());
  const Byte version = in.u8();
  const ByteView group = in.raw(kGroupIdBytes);
  const std::uint32_t generation = in.u32();
  crypto::Share share;
  share.x = in.u8();
  const ByteView y = in.raw(kSecretBytes);
  if (!in.complete() || version != kShareVersion)
    return fail(Code::authentication_failed, which(set, index) + " opens as something else");
  if (!std::ranges::equal(group, set.group))
    return fail(Code::conflict, which(set, index) + " is of another group's key");
  if (generation != set.generation)
    return fail(Code::conflict,
                which(set, index) + " is of generation " + std::to_string(generation) +
                    ", and this custody file of generation " + std::to_string(set.generation),
                "Each change of custodians makes a new file and new shares.");
  if (share.x != index + 1)
    return fail(Code::conflict, which(set, index) + " is the one numbered " +
                                    std::to_string(share.x) + ", not " + std::to_string(index + 1));
  share.y = crypto::SecretBytes(kSecretBytes);
  std::ranges::copy(y, share.y.expose_for_writing().begin());
  const ShareRecord& record = set.shares[index];
  if (!crypto::equal_in_constant_time(commitment(set, record.salt, share), record.commitment))
    return fail(Code::authentication_failed,
                which(set, index) + " is not the one that the custody file was made with");
  return share;
}

Result<crypto::SecretBytes> join_shares(const CustodySet& set,
                                        std::span<const crypto::Share> shares) {
  if (shares.size() < set.k)
    return fail(Code::approval_required,
                std::to_string(shares.size()) + " of " + std::to_string(set.k) +
                    " cards are there: " + std::to_string(set.k - shares.size()) + " missing",
                "Any " + std::to_string(set.k) + " of the " + std::to_string(set.n()) +
                    " cards are needed together.");
  return crypto::combine_shares(shares.first(set.k));
}

}  // namespace nae::custody
