// What a peer's certificate must say beyond being issued by a trusted authority.
#pragma once

#include "libnae/base/result.hpp"
#include "net/peer_identity.hpp"

struct x509_st;
struct stack_st_X509;

namespace nae::net {

// A client's certificate: extended key usage clientAuth, exactly one nae:// URI among its
// alternative names. Without the usage check a server's certificate would do as a device's.
Result<PeerIdentity> client_identity(x509_st* certificate);

// A server's certificate: extended key usage serverAuth. Its names were matched by the handshake.
Result<PeerIdentity> server_identity(x509_st* certificate, const std::string& verified_host);

// When the first certificate of a verified chain ends, in Unix time.
Result<std::int64_t> chain_end_s(const stack_st_X509* chain);

}  // namespace nae::net
