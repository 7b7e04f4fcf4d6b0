// The certificates of a ring's versions: a public attribute, which is the version's own or none.
#include "libnae/crypto/certificate_chain.hpp"

#include "keyserver/keys/key_ring.hpp"

namespace nae::keys {

Result<KeyPointer> KeyRing::set_certificates(std::string_view name, const Bytes& chain) {
  std::lock_guard changing(changing_);
  const KeyPointer key = find(name);
  if (!key) return fail(Code::key_unknown, "there is no key '" + std::string(name) + "'");
  for (const Version& version : key->versions) {
    if (version.material.public_key.empty()) continue;
    NAE_ASSIGN(const bool its_own, crypto::is_certificate_of(chain, version.material.public_key));
    if (!its_own) continue;
    NAE_ASSIGN(const Found found, locate(name, version.number));
    return put_certificates(found, chain);
  }
  return fail(Code::conflict,
              "the certificate is for no public key of key '" + std::string(name) + "'",
              "Make a request of the version that is to have it: nae key csr " + std::string(name));
}

Result<KeyPointer> KeyRing::remove_certificates(std::string_view name, std::uint16_t number) {
  std::lock_guard changing(changing_);
  NAE_ASSIGN(const Found found, locate(name, number));
  if (found.version().certificates.empty())
    return fail(Code::not_found, "version " + std::to_string(number) + " of key '" +
                                     std::string(name) + "' has no certificate");
  return put_certificates(found, {});
}

Result<KeyPointer> KeyRing::put_certificates(const Found& found, const Bytes& chain) {
  if (found.version().certificates == chain) return found.key;
  NAE_TRY(repository_.set_certificates(found.id(), chain));
  Version changed = found.version();
  changed.certificates = chain;
  Key key = *found.key;
  key.versions.replace(found.index, std::move(changed));
  return publish(std::move(key));
}

}  // namespace nae::keys
