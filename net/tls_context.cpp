#include "net/tls_context.hpp"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libnae/base/secret_file.hpp"
#include "libnae/crypto/handle.hpp"
#include "libnae/crypto/key_file.hpp"
#include "net/openssl_error.hpp"
#include "net/tls_stream.hpp"

namespace nae::net {
namespace {

constexpr char kCipherSuites[] =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
// The best that the OpenSSL of this machine knows: it refuses a list with a name that is new to it
// as a whole. The first is a hybrid of X25519 and ML-KEM-768, since OpenSSL 3.5.
constexpr const char* kGroups[] = {"X25519MLKEM768:X25519:P-256", "X25519:P-256"};
constexpr int kSecurityLevel = 2;  // 112 bits and more: no RSA below 2048, no SHA-1 signatures
// Two full records a read; more buys nothing measurable, and every connection holds it.
constexpr std::size_t kReadBufferBytes = 36u << 10;

// A server process has nobody to ask; without this OpenSSL would prompt on the terminal.
// `asked`: a bool that says afterwards whether it would have, or nothing.
int refuse_password(char*, int, int, void* asked) {
  if (asked != nullptr) *static_cast<bool*>(asked) = true;
  return -1;
}

using Key = handle<EVP_PKEY, EVP_PKEY_free>;
using Certificate = handle<X509, X509_free>;

Result<Key> read_key(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(Code::file_failed, path + ": " + std::strerror(errno));
  handle<BIO, BIO_free> file(BIO_new_fd(descriptor, BIO_CLOSE));
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    return fail(Code::file_failed, path + ": " + std::strerror(errno));
  NAE_TRY(check_secrecy(status, path));
  bool asked_for_password = false;
  Key key(PEM_read_bio_PrivateKey(file.get(), nullptr, refuse_password, &asked_for_password));
  if (key) return key;
  if (!asked_for_password) return fail(take_openssl_error(path));
  ERR_clear_error();
  return fail(crypto::encrypted_key(path));
}

// All certificates of a file, as they stand there.
Result<std::vector<Certificate>> read_certificates(const std::string& path) {
  handle<BIO, BIO_free> file(BIO_new_file(path.c_str(), "r"));
  if (!file) return fail(take_openssl_error(path));
  std::vector<Certificate> found;
  while (X509* next = PEM_read_bio_X509_AUX(file.get(), nullptr, refuse_password, nullptr))
    found.emplace_back(next);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (found.empty() || !at_end) return fail(take_openssl_error(path));
  ERR_clear_error();
  return found;
}

// The certificate of the key first, then each the issuer of the one before (RFC 8446 section
// 4.4.2), whatever their order in the file: some authorities hand out the root first. What is left
// follows as it stands.
Result<void> put_in_order(std::vector<Certificate>& certificates, const EVP_PKEY* key,
                          const TlsFiles& files) {
  auto next = std::find_if(certificates.begin(), certificates.end(), [&](const Certificate& each) {
    return X509_check_private_key(each.get(), key) == 1;
  });
  ERR_clear_error();
  if (next == certificates.end())
    return fail(Code::tls_failed, files.key + ": not the key of " + files.certificate,
                "None of the certificates in " + files.certificate + " is of this key.");
  for (auto placed = certificates.begin(); next != certificates.end(); ++placed) {
    std::rotate(placed, next, next + 1);
    X509* const issued = placed->get();
    next = std::find_if(placed + 1, certificates.end(), [&](const Certificate& each) {
      return X509_check_issued(each.get(), issued) == X509_V_OK;
    });
  }
  return {};
}

Result<void> use_own(SSL_CTX* context, const TlsFiles& files) {
  NAE_ASSIGN(const Key key, read_key(files.key));
  NAE_ASSIGN(std::vector<Certificate> certificates, read_certificates(files.certificate));
  NAE_TRY(put_in_order(certificates, key.get(), files));
  if (SSL_CTX_use_certificate(context, certificates.front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(take_openssl_error(files.certificate));
  for (std::size_t i = 1; i < certificates.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, certificates[i].get()) != 1)
      return fail(take_openssl_error(files.certificate));
  return {};
}

Result<void> require_file(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0)
    return fail(Code::file_failed, path + ": " + std::strerror(errno));
  return {};
}

Result<void> use_files(SSL_CTX* context, const TlsFiles& files) {
  NAE_TRY(require_file(files.certificate));
  NAE_TRY(use_own(context, files));
  NAE_TRY(require_file(files.authority));
  if (SSL_CTX_load_verify_file(context, files.authority.c_str()) != 1)
    return fail(take_openssl_error(files.authority));
  return {};
}

// RFC 7301: each name preceded by its length.
std::string alpn_list(const std::vector<std::string>& protocols) {
  std::string list;
  for (const std::string& protocol : protocols) {
    list.push_back(static_cast<char>(protocol.size()));
    list += protocol;
  }
  return list;
}

// The list lives as long as the context does.
struct AlpnSlot {
  static int index() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, release);
    return slot;
  }
  static void release(void*, void* list, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<std::string*>(list);
  }
};

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                const unsigned char* offered, unsigned offered_size, void* list) {
  const auto& own = *static_cast<const std::string*>(list);
  unsigned char* chosen = nullptr;
  int answer =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(own.data()),
                            static_cast<unsigned>(own.size()), offered, offered_size);
  if (answer != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// A client without ALPN would otherwise pass: OpenSSL asks choose_alpn only when it was sent. Where
// HTTP is spoken it does, as HTTP: monitoring and old libraries send none (RFC 9110 needs none),
// and nae/1 is never guessed.
int require_alpn(SSL* connection, int* alert, void* list) {
  const auto& own = *static_cast<const std::string*>(list);
  if (own.find(alpn_list({kAlpnHttp})) != std::string::npos) return SSL_CLIENT_HELLO_SUCCESS;
  const unsigned char* extension = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                &extension, &size) == 1)
    return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

bool set_groups(SSL_CTX* context) {
  for (const char* groups : kGroups) {
    const bool known = SSL_CTX_set1_groups_list(context, groups) == 1;
    ERR_clear_error();
    if (known) return true;
  }
  return false;
}

// A rule that OpenSSL does not take would leave its default in force: nothing is begun then.
Result<void> set_common_rules(SSL_CTX* context) {
  const bool taken = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                     SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                     SSL_CTX_set_ciphersuites(context, kCipherSuites) == 1 && set_groups(context);
  ERR_clear_error();
  if (!taken)
    return fail(Code::tls_failed, "this OpenSSL does not take the rules of TLS that NAE asks for");
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_default_passwd_cb(context, refuse_password);
  // No resumption: a resumed session would skip the certificate check, and connections are few
  // and long, so that a millisecond at their start does not count.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBufferBytes);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     TlsStream::verify_peer);
  return {};
}

Result<std::shared_ptr<SSL_CTX>> make_context(const SSL_METHOD* method, const TlsFiles& files) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) return fail(take_openssl_error("TLS"));
  NAE_TRY(set_common_rules(context.get()));
  NAE_TRY(use_files(context.get(), files));
  return context;
}

}  // namespace

Result<TlsContext> TlsContext::server(const TlsFiles& files,
                                      const std::vector<std::string>& protocols) {
  NAE_ASSIGN(std::shared_ptr<SSL_CTX> context, make_context(TLS_server_method(), files));
  // Tells clients which authorities count, so that they can choose among their certificates.
  SSL_CTX_set_client_CA_list(context.get(), SSL_load_client_CA_file(files.authority.c_str()));
  auto* list = new std::string(alpn_list(protocols));
  SSL_CTX_set_ex_data(context.get(), AlpnSlot::index(), list);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, list);
  SSL_CTX_set_client_hello_cb(context.get(), require_alpn, list);
  return TlsContext(std::move(context));
}

Result<TlsContext> TlsContext::client(const TlsFiles& files,
                                      const std::vector<std::string>& protocols) {
  NAE_ASSIGN(std::shared_ptr<SSL_CTX> context, make_context(TLS_client_method(), files));
  std::string list = alpn_list(protocols);
  // Answers 0 on success, unlike its neighbours.
  if (SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(list.data()),
                              static_cast<unsigned>(list.size())) != 0)
    return fail(take_openssl_error("ALPN"));
  return TlsContext(std::move(context));
}

}  // namespace nae::net
