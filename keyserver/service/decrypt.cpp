#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"
#include "keyserver/service/opener.hpp"

namespace nae::service {

Outcome decrypt(Request& request) {
  const std::size_t start = request.out.size();
  Opener opener(request);
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(),
                                request.view.items.data_bytes());
  auto items = request.view.items.cursor();
  AadCursor aad(request.view);
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    auto envelope = parse_envelope(items.next());
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
    ByteSpan plaintext = reply.begin_item(envelope->ciphertext.size());
    if (auto opened = Opener::open(**found, *envelope, item_aad, plaintext); !opened) {
      (*found)->use->failed_items++;
      reply.fail_item(opened.error().code);
    } else {
      reply.finish_item(wire::ItemResult::value, plaintext.size());
    }
  }
  if (opener.missing_keys()) {
    request.out.resize(start);
    return opener.hsm_work();
  }
  if (const KeyUse* refusal = opener.sole_refusal()) {
    request.out.resize(start);
    return explain(request, *refusal);
  }
  reply.finish();
  return Served{opener.take_uses()};
}

}  // namespace nae::service
