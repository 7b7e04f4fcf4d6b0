#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/charge.hpp"
#include "keyserver/operations/opener.hpp"
#include "keyserver/policy/mask.hpp"

namespace nae::operations {
namespace {

using policy::Verdict;

// Answers items as the verdict of policy on their key says. What policy hides stays in memory of
// this object, which wipes itself.
class Reader {
 public:
  explicit Reader(Answer& answer) : answer_(answer) {}

  // `item` is the envelope's own bytes. Code::authentication_failed, also for what is then masked:
  // a mask must not vouch for what was changed. Code::value_not_text.
  Result<void> answer(const Opener::Readable& readable, const EnvelopeView& envelope, ByteView item,
                      ByteView aad) {
    const policy::Decision& decision = readable.use->decision;
    switch (decision.verdict) {
      case Verdict::value:
        return show(readable, envelope, aad);
      case Verdict::masked:
        return mask(decision.masks, readable, envelope, aad);
      case Verdict::ciphertext:
        answer_.add_item(item, Verdict::ciphertext);
        return {};
      case Verdict::null:
        answer_.add_item({}, Verdict::null);
        return {};
      case Verdict::deny:
        break;
    }
    return fail(Code::denied, {});
  }

 private:
  Result<void> show(const Opener::Readable& readable, const EnvelopeView& envelope, ByteView aad) {
    ByteSpan plaintext = answer_.begin_item(envelope.ciphertext.size());
    NAE_TRY(Opener::open(readable, envelope, aad, plaintext));
    answer_.finish_item(Verdict::value, plaintext.size());
    return {};
  }
  Result<void> mask(std::span<const policy::Mask> masks, const Opener::Readable& readable,
                    const EnvelopeView& envelope, ByteView aad) {
    hidden_.resize(envelope.ciphertext.size());
    NAE_TRY(Opener::open(readable, envelope, aad, hidden_));
    ByteSpan out = answer_.begin_item(policy::max_masked_bytes(hidden_.size()));
    NAE_ASSIGN(std::size_t bytes, policy::mask(masks, hidden_, out));
    answer_.finish_item(Verdict::masked, bytes);
    return {};
  }

  Answer& answer_;
  Bytes hidden_;
};

}  // namespace

Outcome decrypt(Request& request) {
  auto named = authorize_named(request);
  if (auto* refused = std::get_if<Refused>(&named)) return std::move(*refused);
  Opener opener(request, std::move(std::get<std::optional<Granted>>(named)));
  Answer& answer = request.answer;
  answer.begin(request.count(), request.asked.data_bytes());
  Reader reader(answer);
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    const ByteView item = request.asked.items[i];
    auto envelope = parse_envelope(item);
    if (!envelope) {
      opener.count_unreadable();
      answer.fail_item(envelope.error().code);
      continue;
    }
    auto found = opener.find(i, *envelope);
    if (!found || opener.missing_keys()) continue;  // go on only to learn what else is missing
    if (!*found) {
      answer.fail_item(found->error().code);
      continue;
    }
    if (auto answered = reader.answer(**found, *envelope, item, request.asked.aad_of(i));
        !answered) {
      (*found)->use->failed_items++;
      answer.fail_item(answered.error().code);
    }
  }
  if (auto refused = charge(request, opener.uses())) return std::move(*refused);
  if (opener.missing_keys()) return opener.hsm_work();
  if (const KeyUse* refusal = opener.sole_refusal()) return explain(request, *refusal);
  return Served{opener.take_uses()};
}

}  // namespace nae::operations
