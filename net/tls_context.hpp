// TlsContext: certificates and rules shared by many TLS connections. TLS 1.3 only, both sides show
// a certificate, always: no option here or elsewhere turns verification off.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

struct ssl_ctx_st;

namespace nae::net {

inline constexpr char kAlpnNae[] = "nae/1";
inline constexpr char kAlpnHttp[] = "http/1.1";

struct TlsFiles {
  std::string certificate;  // PEM: own certificate, then intermediates
  std::string key;          // PEM; refused when group or others may read it
  std::string authority;    // PEM: the authorities whose certificates the peer may show
};

// Copies share one context. Loading files again means making another one; connections that exist
// keep the context they began with: see Connection::verify_peer_again().
class TlsContext {
 public:
  // `protocols`: ALPN names in order of preference; a client that offers others alone is refused.
  // One that sends no ALPN at all speaks HTTP where that is among them, and is refused elsewhere.
  // Code::file_failed for missing or too widely readable files, Code::tls_failed for files that do
  // not hold what they should or do not belong together.
  static Result<TlsContext> server(const TlsFiles& files,
                                   const std::vector<std::string>& protocols = {kAlpnNae,
                                                                                kAlpnHttp});
  static Result<TlsContext> client(const TlsFiles& files,
                                   const std::vector<std::string>& protocols = {kAlpnNae});

  ssl_ctx_st* native() const { return context_.get(); }

 private:
  explicit TlsContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace nae::net
