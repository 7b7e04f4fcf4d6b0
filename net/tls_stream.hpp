// TlsStream: OpenSSL on a non-blocking descriptor. asio::ssl::stream copies through a memory BIO
// and costs 5 to 8 microseconds more a request.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "libnae/crypto/handle.hpp"
#include "net/stream.hpp"
#include "net/tls_context.hpp"

struct ssl_st;
struct x509_store_ctx_st;

namespace nae::net {

class TlsStream final : public Stream {
 public:
  // The descriptor stays the caller's. `TlsContext` must be a server's / a client's.
  static std::unique_ptr<Stream> accept(const TlsContext& context, int descriptor);
  // The certificate must be for `host`: a DNS name or an address. CNs are not looked at.
  static Result<std::unique_ptr<Stream>> connect(const TlsContext& context, int descriptor,
                                                 const std::string& host);
  ~TlsStream() override;

  int descriptor() const override { return descriptor_; }
  Io handshake() override;
  Io read_some(ByteSpan into) override;
  Io write_some(ByteView from) override;
  void shutdown() override;
  bool may_hold_more() const override;
  Result<void> verify_again(const TlsContext& context) override;
  const PeerIdentity& peer() const override { return peer_; }
  std::string_view protocol() const override { return protocol_; }

  // OpenSSL's verify callback: adds usage and identity to the chain's own checks, inside the
  // handshake so that the peer is told by an alert.
  static int verify_peer(int chain_is_good, x509_store_ctx_st* store);

 private:
  TlsStream(ssl_st* connection, int descriptor, std::string host);
  bool accept_certificate(bool chain_is_good, x509_store_ctx_st* store);
  Io outcome(int answer, const char* doing);

  ssl_st* connection_;
  int descriptor_;
  std::string host_;  // the one that the server's certificate must name; empty on a server
  PeerIdentity peer_;
  std::string protocol_;
  std::optional<Error> certificate_error_;
  std::uint64_t records_since_key_update_ = 0;
  bool broken_ = false;
};

}  // namespace nae::net
