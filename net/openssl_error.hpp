// OpenSSL's error queue as one Error.
#pragma once

#include <string>

#include "libnae/base/result.hpp"

namespace nae::net {

// Takes everything from this thread's error queue. Alerts about certificates become
// Code::certificate_rejected, all else Code::tls_failed. `doing`: "TLS handshake".
Error take_openssl_error(const std::string& doing);

}  // namespace nae::net
