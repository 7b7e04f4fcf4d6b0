// TLS of a gateway: 1.3 and 1.2 to browsers, which show no certificate, and verified towards the
// application. That between programs of NAE is net::TlsContext's.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "gateway/config.hpp"

namespace nae::gateway {

using SharedTls = std::shared_ptr<boost::asio::ssl::context>;

// nullptr where clients speak plain HTTP. Code::file_failed for missing files and a key that group
// or others may read; Code::tls_failed for files that do not hold what they should.
Result<SharedTls> client_tls(const Config& config);
// nullptr where the application does.
Result<SharedTls> upstream_tls(const Config& config);

}  // namespace nae::gateway
