#include "net/tls_stream.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "libnae/crypto/handle.hpp"
#include "net/certificate_check.hpp"
#include "net/openssl_error.hpp"

namespace nae::net {
namespace {

// RFC 8446 section 5.5 bounds AES-GCM to 2^24.5 records under one key. Long-lived connections
// reach that in minutes, and OpenSSL does not change keys by itself.
constexpr std::uint64_t kRecordsPerKey = 1u << 22;

bool is_address(const std::string& host) {
  unsigned char binary[16];
  return ::inet_pton(AF_INET, host.c_str(), binary) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), binary) == 1;
}

}  // namespace

TlsStream::TlsStream(SSL* connection, int descriptor, std::string host)
    : connection_(connection), descriptor_(descriptor), host_(std::move(host)) {
  SSL_set_app_data(connection_, this);
  SSL_set_fd(connection_, descriptor_);
}

TlsStream::~TlsStream() {
  SSL_free(connection_);
}

std::unique_ptr<Stream> TlsStream::accept(const TlsContext& context, int descriptor) {
  SSL* connection = SSL_new(context.native());
  if (connection == nullptr) throw std::bad_alloc();
  SSL_set_accept_state(connection);
  return std::unique_ptr<Stream>(new TlsStream(connection, descriptor, {}));
}

Result<std::unique_ptr<Stream>> TlsStream::connect(const TlsContext& context, int descriptor,
                                                   const std::string& host) {
  SSL* connection = SSL_new(context.native());
  if (connection == nullptr) throw std::bad_alloc();
  std::unique_ptr<Stream> stream(new TlsStream(connection, descriptor, host));
  SSL_set_connect_state(connection);
  SSL_set_hostflags(connection,
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  bool named = !host.empty();
  if (is_address(host))
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str()) == 1;
  else
    named = named && SSL_set1_host(connection, host.c_str()) == 1 &&
            SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
  // Without a name any certificate of the authority would pass.
  if (!named) return fail(Code::invalid_argument, "'" + host + "' is no host name or address");
  return stream;
}

int TlsStream::verify_peer(int chain_is_good, X509_STORE_CTX* store) {
  auto* connection =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* stream = static_cast<TlsStream*>(SSL_get_app_data(connection));
  return stream->accept_certificate(chain_is_good == 1, store) ? 1 : 0;
}

bool TlsStream::accept_certificate(bool chain_is_good, X509_STORE_CTX* store) {
  X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (!chain_is_good) {
    std::string subject = "a certificate";
    char line[256];
    if (certificate != nullptr &&
        X509_NAME_oneline(X509_get_subject_name(certificate), line, sizeof line) != nullptr)
      subject = std::string("certificate ") + line;
    certificate_error_ = Error(Code::certificate_rejected,
                               subject + " of the peer: " +
                                   X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    return false;
  }
  if (X509_STORE_CTX_get_error_depth(store) != 0) return true;
  auto identity =
      host_.empty() ? client_identity(certificate) : server_identity(certificate, host_);
  if (!identity) {
    certificate_error_ = std::move(identity).error();
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return false;
  }
  peer_ = *std::move(identity);
  return true;
}

Io TlsStream::outcome(int answer, const char* doing) {
  int saved_errno = errno;
  switch (SSL_get_error(connection_, answer)) {
    case SSL_ERROR_WANT_READ:
      return {IoState::wants_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {IoState::wants_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {IoState::closed, 0};
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      ERR_clear_error();
      return failed(Error(
          Code::connection_lost,
          std::string(doing) + ": " +
              (saved_errno != 0 ? std::strerror(saved_errno) : "the peer closed the connection")));
    default:
      broken_ = true;
      if (certificate_error_) {
        ERR_clear_error();
        return failed(*certificate_error_);
      }
      return failed(take_openssl_error(doing));
  }
}

Io TlsStream::handshake() {
  if (ERR_peek_error() != 0) ERR_clear_error();
  errno = 0;
  int answer = SSL_do_handshake(connection_);
  if (answer != 1) {
    Io io = outcome(answer, "TLS handshake");
    return io.state == IoState::closed
               ? failed(Error(Code::connection_lost, "the peer left during the TLS handshake"))
               : io;
  }
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(connection_, &alpn, &alpn_size);
  protocol_.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  // require_alpn() let it pass.
  if (protocol_.empty() && SSL_is_server(connection_)) protocol_ = kAlpnHttp;
  if (protocol_.empty())
    return failed(Error(Code::tls_failed, "TLS handshake: no protocol was agreed on (ALPN)"));
  // Cannot happen with SSL_VERIFY_PEER; a connection without a proven peer must not exist.
  if (SSL_get_verify_result(connection_) != X509_V_OK || peer_.fingerprint_hex.empty())
    return failed(Error(Code::certificate_rejected, "the peer was not verified"));
  auto end = chain_end_s(SSL_get0_verified_chain(connection_));
  if (!end) return failed(std::move(end).error());
  peer_.not_after_s = *end;
  return {IoState::done, 0};
}

// As the handshake does it: the same purpose, name and security level, by other authorities.
Result<void> TlsStream::verify_again(const TlsContext& context) {
  handle<X509, X509_free> certificate(SSL_get1_peer_certificate(connection_));
  handle<X509_STORE_CTX, X509_STORE_CTX_free> check(X509_STORE_CTX_new());
  const char* purpose = SSL_is_server(connection_) == 1 ? "ssl_client" : "ssl_server";
  if (!certificate || !check ||
      X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context.native()), certificate.get(),
                          SSL_get_peer_cert_chain(connection_)) != 1 ||
      X509_STORE_CTX_set_default(check.get(), purpose) != 1)
    return fail(take_openssl_error("verifying a certificate again"));
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_auth_level(rules, SSL_get_security_level(connection_));
  if (X509_VERIFY_PARAM_set1(rules, SSL_get0_param(connection_)) != 1)
    return fail(take_openssl_error("verifying a certificate again"));
  if (X509_verify_cert(check.get()) != 1) {
    ERR_clear_error();
    return fail(Code::certificate_rejected,
                std::string("the peer's certificate is not accepted any more: ") +
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get())));
  }
  NAE_ASSIGN(peer_.not_after_s, chain_end_s(X509_STORE_CTX_get0_chain(check.get())));
  return {};
}

Io TlsStream::read_some(ByteSpan into) {
  if (ERR_peek_error() != 0) ERR_clear_error();
  errno = 0;
  std::size_t size = std::min<std::size_t>(into.size(), INT_MAX);
  int answer = SSL_read(connection_, into.data(), static_cast<int>(size));
  if (answer > 0) return {IoState::done, static_cast<std::size_t>(answer)};
  return outcome(answer, "reading");
}

Io TlsStream::write_some(ByteView from) {
  if (from.empty()) return {IoState::done, 0};
  if (ERR_peek_error() != 0) ERR_clear_error();
  errno = 0;
  // Refused, and tried again with the next record, while a record is half written.
  if (records_since_key_update_ >= kRecordsPerKey &&
      SSL_key_update(connection_, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
    records_since_key_update_ = 0;
  std::size_t size = std::min<std::size_t>(from.size(), INT_MAX);
  int answer = SSL_write(connection_, from.data(), static_cast<int>(size));
  if (answer <= 0) return outcome(answer, "writing");
  ++records_since_key_update_;
  return {IoState::done, static_cast<std::size_t>(answer)};
}

void TlsStream::shutdown() {
  // After a fatal error OpenSSL forbids it; before the handshake is complete it would fail.
  if (broken_ || SSL_in_init(connection_)) return;
  SSL_shutdown(connection_);
  ERR_clear_error();
}

bool TlsStream::may_hold_more() const {
  return SSL_has_pending(connection_) == 1;
}

}  // namespace nae::net
