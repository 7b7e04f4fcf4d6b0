#include "benchmarks/tls_echo.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "benchmarks/measure.hpp"
#include "libnae/crypto/handle.hpp"

namespace nae::benchmarks {
namespace {

using Context = handle<SSL_CTX, SSL_CTX_free>;
using Ssl = handle<SSL, SSL_free>;

constexpr std::size_t kReadBytes = 64u << 10;

// The same suite, key exchange and reading ahead as the product's connections.
Context make_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_256_GCM_SHA384");
  SSL_CTX_set1_groups_list(context.get(), "X25519");
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

void use_new_certificate(SSL_CTX* context) {
  handle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  handle<X509, X509_free> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
  X509_set_pubkey(certificate.get(), key.get());
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0 ||
      SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    give_up("no certificate for the echo");
}

void set_no_delay(int descriptor) {
  int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int listen_on_loopback(std::uint16_t& port) {
  int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 512) != 0 ||
      ::getsockname(listener, generic, &size) != 0)
    give_up("the echo cannot listen");
  port = ntohs(address.sin_port);
  return listener;
}

// Sends back what was read in one piece each: read, write, no thought.
bool echo_what_is_there(SSL* connection) {
  static std::array<unsigned char, kReadBytes> bytes;
  do {
    int size = SSL_read(connection, bytes.data(), static_cast<int>(bytes.size()));
    if (size <= 0) return SSL_get_error(connection, size) == SSL_ERROR_WANT_READ;
    if (SSL_write(connection, bytes.data(), size) != size) return false;
  } while (SSL_has_pending(connection) == 1);
  return true;
}

[[noreturn]] void serve(int listener) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_IGN);
  Context context = make_context(TLS_server_method());
  use_new_certificate(context.get());
  int poller = ::epoll_create1(EPOLL_CLOEXEC);
  auto watch = [&](int descriptor, SSL* connection) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connection;
    ::epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
  };
  watch(listener, nullptr);
  for (;;) {
    epoll_event events[64];
    int ready = ::epoll_wait(poller, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      auto* connection = static_cast<SSL*>(events[i].data.ptr);
      if (connection == nullptr) {
        int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) continue;
        set_no_delay(descriptor);
        SSL* accepted = SSL_new(context.get());
        SSL_set_fd(accepted, descriptor);
        if (SSL_accept(accepted) != 1) give_up("TLS handshake of the echo");
        ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
        watch(descriptor, accepted);
        echo_what_is_there(accepted);  // the handshake may have read the first frame with its end
      } else if (!echo_what_is_there(connection)) {
        ::close(SSL_get_fd(connection));
        SSL_free(connection);
      }
    }
  }
}

class EchoChannel final : public Channel {
 public:
  EchoChannel(SSL_CTX* context, std::uint16_t port)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        connection_(SSL_new(context)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      give_up("the echo cannot be reached");
    set_no_delay(descriptor_);
    SSL_set_fd(connection_.get(), descriptor_);
    if (SSL_connect(connection_.get()) != 1) give_up("TLS handshake with the echo");
  }
  ~EchoChannel() override { ::close(descriptor_); }

  int descriptor() const override { return descriptor_; }
  void send() override {
    if (SSL_write(connection_.get(), frame_.data(), static_cast<int>(frame_.size())) <= 0)
      give_up("the echo left");
    received_ = 0;
  }
  bool receive() override {
    std::array<unsigned char, kEchoFrameBytes> bytes;
    int size = SSL_read(connection_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (size <= 0) give_up("the echo left");
    received_ += static_cast<std::size_t>(size);
    return received_ == frame_.size();
  }

 private:
  int descriptor_;
  Ssl connection_;
  std::array<unsigned char, kEchoFrameBytes> frame_{};
  std::size_t received_ = 0;
};

}  // namespace

TlsEchoServer::TlsEchoServer() {
  int listener = listen_on_loopback(port_);
  process_ = ::fork();
  if (process_ < 0) give_up("fork");
  if (process_ == 0) serve(listener);
  ::close(listener);
}

TlsEchoServer::~TlsEchoServer() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

Channels TlsEchoServer::connect(std::size_t clients) const {
  Context context = make_context(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // nothing but zeros goes there
  Channels channels;
  for (std::size_t i = 0; i < clients; ++i)
    channels.push_back(std::make_unique<EchoChannel>(context.get(), port_));
  return channels;
}

}  // namespace nae::benchmarks
