#include "keyserver/admin/presences.hpp"

#include <algorithm>

#include "libnae/base/text.hpp"
#include "libnae/crypto/random.hpp"

namespace nae::admin {
namespace {

constexpr std::size_t kQuestionIdBytes = 8;

}  // namespace

Result<Presences::Asked> Presences::ask(const std::string& asker, const std::string& approval,
                                        const crypto::Sha256Digest& request, ByteView public_key,
                                        std::int64_t now_us) {
  const custody::CustodySet& set = *custodians_;
  const auto record =
      std::ranges::find(set.shares, crypto::sha256(public_key), &custody::ShareRecord::card);
  if (record == set.shares.end())
    return fail(
        Code::conflict,
        "this card has no share in the custody of generation " + std::to_string(set.generation),
        "It is of another group, or its holder was a custodian at another time.");
  const auto share = static_cast<std::size_t>(record - set.shares.begin());
  Bytes id(kQuestionIdBytes);
  NAE_TRY(crypto::random_bytes(id));
  Waiting waiting{asker,
                  approval,
                  request,
                  share,
                  crypto::SecretBytes(custody::kNonceBytes),
                  now_us + kLastsUs};
  NAE_TRY(crypto::random_bytes(waiting.nonce.expose_for_writing()));
  Asked asked{to_hex(id), {set.group, set.generation, *record, {}}};
  NAE_ASSIGN(asked.question.sealed,
             custody::seal_question(set, share, public_key, request, waiting.nonce));
  std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const auto& one) {
    return one.second.until_us <= now_us ||
           (one.second.asker == asker && one.second.approval == approval &&
            one.second.share == share);
  });
  const auto own =
      std::ranges::count_if(waiting_, [&](const auto& one) { return one.second.asker == asker; });
  if (waiting_.size() >= kMostQuestions || static_cast<std::size_t>(own) >= kMostOfOne)
    return fail(Code::overloaded, "too many cards are being asked", "Try again in some minutes.");
  waiting_.emplace(asked.id, std::move(waiting));
  return asked;
}

Result<custody::ShareRecord> Presences::answer(const std::string& approval,
                                               const std::string& question, ByteView code,
                                               std::int64_t now_us) {
  Waiting asked;
  {
    std::lock_guard lock(mutex_);
    auto found = waiting_.extract(question);
    if (found.empty() || found.mapped().until_us <= now_us || found.mapped().approval != approval)
      return fail(Code::conflict, "no card is asked this question about the request",
                  "It was answered, it took more than five minutes, or the server has started "
                  "since: begin again.");
    asked = std::move(found.mapped());
  }
  const custody::ShareRecord& share = custodians_->shares[asked.share];
  const crypto::Sha256Digest right = custody::presence_code(asked.nonce, custodians_->group,
                                                            custodians_->generation, asked.request);
  if (!crypto::equal_in_constant_time(code, right))
    return fail(Code::authentication_failed,
                "the answer is not that of the card of " + share.holder,
                "Each question is answered once: begin again.");
  return share;
}

}  // namespace nae::admin
