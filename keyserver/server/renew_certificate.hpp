// `nae-keyserver renew-certificate`: a new certificate for the key and the names that the server
// has.
#pragma once

#include <cstdint>
#include <string>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

// Of a certificate, a request or an authority.
inline constexpr std::size_t kMostPemBytes = 64u << 10;

struct Renewed {
  std::string serial;
  std::int64_t not_after_s = 0;  // Unix time
};

// Beside a running server, which takes it up at SIGHUP, or before the start of one whose
// certificate has expired. One file takes the place of another: at every moment there is a whole
// one that belongs to the key. Code::tls_failed when certificate and key do not belong together, or
// the certificate is of another authority than the one in the HSM.
Result<Renewed> renew_certificate(const config::Config& config);

}  // namespace nae::server
