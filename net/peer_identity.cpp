#include "net/peer_identity.hpp"

#include "libnae/base/text.hpp"

namespace nae::net {

std::string_view name(PeerKind kind) {
  switch (kind) {
    case PeerKind::device:
      return "device";
    case PeerKind::admin:
      return "admin";
    case PeerKind::server:
      return "server";
    case PeerKind::local:
      return "local";
  }
  return "unknown";
}

Result<PeerIdentity> identity_from_uri(std::string_view uri) {
  constexpr std::string_view kDevice = "nae://device/";
  constexpr std::string_view kAdmin = "nae://admin/";
  PeerIdentity identity;
  std::string_view rest;
  if (uri.starts_with(kDevice)) {
    identity.kind = PeerKind::device;
    rest = uri.substr(kDevice.size());
  } else if (uri.starts_with(kAdmin)) {
    identity.kind = PeerKind::admin;
    rest = uri.substr(kAdmin.size());
  } else {
    return fail(Code::certificate_rejected, "the certificate names neither a device nor an admin");
  }
  if (!is_name(rest))
    return fail(Code::certificate_rejected, "the certificate's nae:// URI holds no valid name");
  identity.name = rest;
  return identity;
}

}  // namespace nae::net
