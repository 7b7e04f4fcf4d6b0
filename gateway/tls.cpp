#include "gateway/tls.hpp"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <cerrno>
#include <cstring>

#include "libnae/base/secret_file.hpp"

namespace nae::gateway {
namespace {

namespace ssl = boost::asio::ssl;
using ErrorCode = boost::system::error_code;

constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
constexpr unsigned char kAlpn[] = "\x08http/1.1";

Result<void> check_key(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0)
    return fail(Code::file_failed, file.string() + ": " + std::strerror(errno));
  return check_secrecy(status, file.string());
}

// Only what this gateway speaks; without ALPN a client speaks HTTP/1.1 anyway.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int answer =
      SSL_select_next_proto(&chosen, out_size, kAlpn, sizeof kAlpn - 1, offered, offered_size);
  *out = chosen;
  return answer == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<SharedTls> make(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX* native = context->native_handle();
  if (SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(native, kCiphers) != 1)
    return fail(Code::tls_failed, "this OpenSSL does not take the rules of TLS that NAE asks for");
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
  return context;
}

}  // namespace

Result<SharedTls> client_tls(const Config& config) {
  if (config.tls.certificate.empty()) return SharedTls();
  NAE_TRY(check_key(config.tls.key));
  NAE_ASSIGN(SharedTls context, make(ssl::context::tls_server));
  ErrorCode error;
  context->use_certificate_chain_file(config.tls.certificate.string(), error);
  if (error)
    return fail(Code::tls_failed, config.tls.certificate.string() + ": " + error.message());
  context->use_private_key_file(config.tls.key.string(), ssl::context::pem, error);
  if (error) return fail(Code::tls_failed, config.tls.key.string() + ": " + error.message());
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  return context;
}

Result<SharedTls> upstream_tls(const Config& config) {
  if (!config.upstream.tls) return SharedTls();
  NAE_ASSIGN(SharedTls context, make(ssl::context::tls_client));
  ErrorCode error;
  if (config.upstream.authority.empty())
    context->set_default_verify_paths(error);
  else
    context->load_verify_file(config.upstream.authority.string(), error);
  if (error)
    return fail(Code::tls_failed, config.upstream.authority.string() + ": " + error.message());
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  context->set_verify_callback(ssl::host_name_verification(config.upstream.server_name));
  return context;
}

}  // namespace nae::gateway
