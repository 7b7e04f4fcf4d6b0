#include "libnae/crypto/hash.hpp"
#include "keyserver/service/actions.hpp"
#include "keyserver/service/authorize.hpp"

namespace nae::service {

Outcome hash(Request& request) {
  auto authorized = authorize_without_key(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const auto& decision = std::get<policy::Decision>(authorized);
  auto algorithm = hash_from_number(request.header().algorithm);
  if (!algorithm) return Refused{Error(Code::unsupported, "unknown hash algorithm"), {}, decision};

  const std::size_t start = request.out.size();
  const std::size_t bytes = digest_bytes(*algorithm);
  wire::CryptoReplyWriter reply(request.out, request.id, request.count(), request.count() * bytes);
  auto items = request.view.items.cursor();
  for (std::uint32_t i = 0; i < request.count(); ++i) {
    auto digest = crypto::digest(*algorithm, items.next());
    if (!digest) {
      request.out.resize(start);
      return Refused{digest.error(), {}, decision};
    }
    ByteSpan out = reply.begin_item(bytes);
    std::copy(digest->begin(), digest->end(), out.begin());
    reply.finish_item(wire::ItemResult::value, bytes);
  }
  reply.finish();
  return Served{{KeyUse{nullptr, 0, decision, request.count(), 0, {}}}};
}

}  // namespace nae::service
