// encrypt and decrypt by a mode of AES, with an IV that the caller chose: what comes of using one
// twice is the caller's (docs/spec/wire.md, "AES by the caller's mode").
#include "keyserver/keys/version_limits.hpp"
#include "keyserver/operations/actions.hpp"
#include "keyserver/operations/private_use.hpp"

namespace nae::operations {

Outcome cipher(Request& request) {
  auto authorized = authorize(request);
  if (auto* refused = std::get_if<Refused>(&authorized)) return std::move(*refused);
  const Granted& granted = std::get<Granted>(authorized);
  const auto mode = static_cast<CipherMode>(request.asked.algorithm);
  if (!granted.key->attributes.allows(mode))
    return Refused{
        Error(Code::key_attribute,
              "key " + granted.key->name + " does not allow mode " + std::string(name(mode)),
              "An administrator allows it: nae key set " + granted.key->name +
                  " --allow-algorithm " + std::string(name(mode))),
        granted.key->name, granted.decision};
  if (request.asked.action == Action::encrypt)
    if (auto within = keys::check_uses(*granted.key, *granted.version, request.count()); !within)
      return Refused{within.error(), granted.key->name, granted.decision};
  // The HSM makes an object of each item that it wraps: some 0.3 ms, and 0.9 ms a KiB.
  const HsmShare share = mode == CipherMode::aes_kw ? HsmShare(64, 64 << 10) : HsmShare();
  return use_secret_key(
      request, granted,
      [mode](keys::Hsm& hsm, const keys::HsmKey& key, const CryptoRequest& asked,
             std::uint32_t item) {
        return hsm.cipher(key, {mode, asked.action == Action::encrypt,
                                asked.seconds.empty() ? ByteView() : asked.seconds[item],
                                asked.aad_of(item), asked.items[item]});
      },
      share);
}

}  // namespace nae::operations
