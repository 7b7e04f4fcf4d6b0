#include "libnae/custody/presence.hpp"

#include <algorithm>

#include "libnae/crypto/hmac.hpp"
#include "libnae/crypto/key_transport.hpp"

namespace nae::custody {
namespace {

constexpr std::string_view kPresenceText = "NAE presence 1";
constexpr Byte kQuestionVersion = 2;  // a share begins with 1

}  // namespace

Result<Bytes> seal_question(const CustodySet& set, std::size_t index, ByteView public_key,
                            const crypto::Sha256Digest& request, const crypto::SecretBytes& nonce) {
  const ShareRecord& record = set.shares[index];
  if (crypto::sha256(public_key) != record.card)
    return fail(Code::conflict, "this is not the card of " + record.holder);
  Bytes head;
  ByteWriter out(head);
  out.u8(kQuestionVersion);
  out.raw(set.group);
  out.u32(set.generation);
  out.raw(request);
  crypto::SecretBytes text(head.size() + nonce.size());
  std::ranges::copy(head, text.expose_for_writing().begin());
  std::ranges::copy(nonce.expose(), text.expose_for_writing().subspan(head.size()).begin());
  return crypto::encrypt_oaep(public_key, hash_of(record.sealing), text.expose());
}

crypto::Sha256Digest presence_code(const crypto::SecretBytes& nonce, const GroupId& group,
                                   std::uint32_t generation, const crypto::Sha256Digest& request) {
  Bytes input;
  ByteWriter out(input);
  out.raw(as_bytes(kPresenceText));
  out.raw(group);
  out.u32(generation);
  out.raw(request);
  crypto::Sha256Digest code;
  crypto::HmacSha256(nonce).compute(input, code);
  return code;
}

Result<crypto::Sha256Digest> answer_question(const CardReader& card, const Question& question,
                                             const crypto::Sha256Digest& request) {
  NAE_ASSIGN(const crypto::SecretBytes opened, card.decrypt(question.card, question.sealed));
  ByteReader in(opened.expose());
  const Byte version = in.u8();
  const ByteView group = in.raw(kGroupIdBytes);
  const std::uint32_t generation = in.u32();
  const ByteView about = in.raw(request.size());
  const ByteView drawn = in.raw(kNonceBytes);
  if (!in.complete() || version != kQuestionVersion)
    return fail(Code::authentication_failed,
                "what the server sealed to the card of " + question.card.holder + " is no question",
                "Who asks the card to open something else wants its share.");
  if (!std::ranges::equal(group, question.group) || generation != question.generation)
    return fail(Code::conflict, "the question is of another group or generation than was said");
  if (!std::ranges::equal(about, request))
    return fail(Code::conflict, "the question is about another request than the one shown",
                "Look at it again.");
  crypto::SecretBytes nonce(kNonceBytes);
  std::ranges::copy(drawn, nonce.expose_for_writing().begin());
  return presence_code(nonce, question.group, question.generation, request);
}

}  // namespace nae::custody
