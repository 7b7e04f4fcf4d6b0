#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/private_use.hpp"

namespace nae::operations {

Outcome decrypt_by_scheme(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  const auto scheme = static_cast<DecryptionScheme>(request.asked.algorithm);
  const DecryptionRow* found = find_row(scheme);
  if (!found)
    return Refused{Error(Code::unsupported, "unknown decryption scheme"), granted.key->name,
                   granted.decision};
  if (!found->hash && !request.asked.aad.empty())
    return Refused{Error(Code::invalid_argument, std::string(found->name) + " has no label"),
                   granted.key->name, granted.decision};
  if (!granted.key->attributes.allows(scheme))
    return Refused{
        Error(Code::key_attribute,
              "key " + granted.key->name + " does not allow scheme " + std::string(found->name),
              "An administrator allows it: nae key set " + granted.key->name +
                  " --allow-algorithm " + std::string(found->name)),
        granted.key->name, granted.decision};
  return use_private_key(
      request, granted,
      [scheme](keys::Hsm& hsm, const keys::HsmKey& key, const CryptoRequest& asked,
               std::uint32_t item) {
        return hsm.decrypt(key, scheme, asked.items[item], asked.aad_of(item));
      },
      found->hash ? 1 : 2);  // the second: what bad paddings become
}

}  // namespace nae::operations
