#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/private_use.hpp"

namespace nae::operations {

Outcome derive(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  return use_private_key(request, std::get<Granted>(authorized),
                         [](keys::Hsm& hsm, const keys::HsmKey& key, const CryptoRequest& asked,
                            std::uint32_t item) { return hsm.agree(key, asked.items[item]); });
}

}  // namespace nae::operations
