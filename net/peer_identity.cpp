#include "net/peer_identity.hpp"

#include "libnae/base/text.hpp"

namespace nae::net {

std::string_view name(PeerKind kind) {
  switch (kind) {
    case PeerKind::device:
      return "device";
    case PeerKind::admin:
      return "admin";
    case PeerKind::monitoring:
      return "monitoring";
    case PeerKind::server:
      return "server";
    case PeerKind::local:
      return "local";
  }
  return "unknown";
}

Result<PeerIdentity> identity_from_uri(std::string_view uri) {
  PeerIdentity identity;
  std::string_view rest;
  for (PeerKind kind : {PeerKind::device, PeerKind::admin, PeerKind::monitoring}) {
    const std::string prefix = "nae://" + std::string(name(kind)) + "/";
    if (!uri.starts_with(prefix)) continue;
    identity.kind = kind;
    rest = uri.substr(prefix.size());
  }
  if (rest.data() == nullptr)
    return fail(Code::certificate_rejected,
                "the certificate names no device, no admin and no monitoring");
  if (!is_name(rest))
    return fail(Code::certificate_rejected, "the certificate's nae:// URI holds no valid name");
  identity.name = rest;
  return identity;
}

}  // namespace nae::net
