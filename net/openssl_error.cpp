#include "net/openssl_error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace nae::net {
namespace {

// Why the peer refused, in the words of someone who can mend it.
struct ReasonRow {
  int reason;
  Code code;
  const char* text;
};
constexpr ReasonRow kReasons[] = {
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, Code::certificate_rejected,
     "the peer showed no certificate"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, Code::certificate_rejected,
     "the peer requires a certificate of this side"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, Code::certificate_rejected,
     "the peer says that this side's certificate has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, Code::certificate_rejected,
     "the peer says that this side's certificate is revoked"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, Code::certificate_rejected,
     "the peer rejected this side's certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, Code::certificate_rejected,
     "the peer rejected this side's certificate"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, Code::certificate_rejected,
     "the peer does not accept this side's certificate for this purpose"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, Code::certificate_rejected,
     "the peer does not trust the authority that issued this side's certificate"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, Code::certificate_rejected, "the peer denied access"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, Code::tls_failed,
     "the peer refused the handshake; its log says why"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, Code::tls_failed,
     "the peer does not speak this protocol (ALPN)"},
    {SSL_R_NO_APPLICATION_PROTOCOL, Code::tls_failed,
     "the peer offers no protocol that is spoken here (ALPN)"},
    {SSL_R_UNSUPPORTED_PROTOCOL, Code::tls_failed, "the peer does not offer TLS 1.3"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, Code::tls_failed,
     "the peer does not accept this TLS version"},
    {SSL_R_WRONG_VERSION_NUMBER, Code::tls_failed, "the peer does not speak TLS"},
    {SSL_R_HTTP_REQUEST, Code::tls_failed, "the peer speaks HTTP without TLS"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, Code::connection_lost, "the peer closed the connection"},
    {SSL_R_CALLBACK_FAILED, Code::tls_failed,
     "the peer offers no protocol that is spoken here (ALPN)"},
};

}  // namespace

Error take_openssl_error(const std::string& doing) {
  unsigned long first = ERR_peek_error();
  Error error(Code::tls_failed, doing + ": ");
  if (ERR_GET_LIB(first) == ERR_LIB_SSL) {
    for (const ReasonRow& row : kReasons) {
      if (row.reason != ERR_GET_REASON(first)) continue;
      ERR_clear_error();
      error.code = row.code;
      error.message += row.text;
      return error;
    }
  }
  const char* reason = ERR_reason_error_string(first);
  error.message += reason != nullptr ? reason : "unknown error " + std::to_string(first);
  ERR_clear_error();
  return error;
}

}  // namespace nae::net
