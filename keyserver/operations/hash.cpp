#include "libnae/crypto/hash.hpp"
#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/authorize.hpp"

namespace nae::operations {

Outcome hash(Request& request) {
  auto authorized = authorize_without_key(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const auto& decision = std::get<policy::Decision>(authorized);
  auto algorithm = hash_from_number(request.asked.algorithm);
  if (!algorithm) return Refused{Error(Code::unsupported, "unknown hash algorithm"), {}, decision};

  request.answer.begin(request.count(), request.count() * digest_bytes(*algorithm));
  for (const ByteView item : request.asked.items) {
    auto digest = crypto::digest(*algorithm, item);
    if (!digest) return Refused{digest.error(), {}, decision};
    request.answer.add_item(*digest);
  }
  return Served{{KeyUse{nullptr, 0, decision, request.count(), 0, {}}}};
}

}  // namespace nae::operations
