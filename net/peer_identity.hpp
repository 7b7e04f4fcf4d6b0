// PeerIdentity: who is at the other end of a connection, as proven by its certificate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::net {

enum class PeerKind : std::uint8_t {
  device,      // URI SAN nae://device/<name>
  admin,       // URI SAN nae://admin/<name>
  server,      // a key server, known by the DNS name or address that was verified
  local,       // a process on this host, behind a Unix socket
  monitoring,  // URI SAN nae://monitoring/<name>: reads health and metrics, nothing else
};

struct PeerIdentity {
  PeerKind kind = PeerKind::local;
  std::string name;
  std::string serial_hex;       // of the certificate; empty for local
  std::string fingerprint_hex;  // SHA-256 over the DER certificate; empty for local
  // Unix time at which the first certificate of its chain ends; 0 for local: never.
  std::int64_t not_after_s = 0;
};

std::string_view name(PeerKind kind);

// Reads "nae://device/<name>", "nae://admin/<name>" or "nae://monitoring/<name>".
// Code::certificate_rejected otherwise.
Result<PeerIdentity> identity_from_uri(std::string_view uri);

}  // namespace nae::net
