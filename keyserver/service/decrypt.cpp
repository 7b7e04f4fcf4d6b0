#include <algorithm>

#include "keyserver/policy/mask.hpp"
#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"
#include "keyserver/service/charge.hpp"
#include "keyserver/service/opener.hpp"

namespace nae::service {
namespace {

using policy::Verdict;
using wire::ItemResult;

// Answers items as the verdict of policy on their key says. What policy hides stays in memory of
// this object, which wipes itself.
class Reader {
 public:
  explicit Reader(wire::CryptoReplyWriter& reply) : reply_(reply) {}

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
        std::ranges::copy(item, reply_.begin_item(item.size()).begin());
        reply_.finish_item(ItemResult::ciphertext, item.size());
        return {};
      case Verdict::null:
        reply_.begin_item(0);
        reply_.finish_item(ItemResult::null, 0);
        return {};
      case Verdict::deny:
        break;
    }
    return fail(Code::denied, {});
  }

 private:
  Result<void> show(const Opener::Readable& readable, const EnvelopeView& envelope, ByteView aad) {
    ByteSpan plaintext = reply_.begin_item(envelope.ciphertext.size());
    NAE_TRY(Opener::open(readable, envelope, aad, plaintext));
    reply_.finish_item(ItemResult::value, plaintext.size());
    return {};
  }
  Result<void> mask(std::span<const policy::Mask> masks, const Opener::Readable& readable,
                    const EnvelopeView& envelope, ByteView aad) {
    hidden_.resize(envelope.ciphertext.size());
    NAE_TRY(Opener::open(readable, envelope, aad, hidden_));
    ByteSpan out = reply_.begin_item(policy::max_masked_bytes(hidden_.size()));
    NAE_ASSIGN(std::size_t bytes, policy::mask(masks, hidden_, out));
    reply_.finish_item(ItemResult::masked, bytes);
    return {};
  }

  wire::CryptoReplyWriter& reply_;
  Bytes hidden_;
};

}  // namespace

Outcome decrypt(Request& request) {
  const std::size_t start = request.out.size();
  auto named = authorize_named(request);
  if (auto* refused = std::get_if<Refused>(&named)) return std::move(*refused);
  Opener opener(request, std::move(std::get<std::optional<Granted>>(named)));
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(),
                                request.view.items.data_bytes());
  Reader reader(reply);
  auto items = request.view.items.cursor();
  AadCursor aad(request.view);
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    ByteView item = items.next();
    auto envelope = parse_envelope(item);
    ByteView item_aad = aad.next();
    if (!envelope) {
      opener.count_unreadable();
      reply.fail_item(envelope.error().code);
      continue;
    }
    auto found = opener.find(i, *envelope);
    if (!found || opener.missing_keys()) continue;  // go on only to learn what else is missing
    if (!*found) {
      reply.fail_item(found->error().code);
      continue;
    }
    if (auto answered = reader.answer(**found, *envelope, item, item_aad); !answered) {
      (*found)->use->failed_items++;
      reply.fail_item(answered.error().code);
    }
  }
  if (auto refused = charge(request, opener.uses())) {
    discard_reply(request, start);
    return std::move(*refused);
  }
  if (opener.missing_keys()) {
    discard_reply(request, start);
    return opener.hsm_work();
  }
  if (const KeyUse* refusal = opener.sole_refusal()) {
    discard_reply(request, start);
    return explain(request, *refusal);
  }
  reply.finish();
  return Served{opener.take_uses()};
}

}  // namespace nae::service
