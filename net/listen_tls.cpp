#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "net/accept_loop.hpp"
#include "net/listener.hpp"
#include "net/proxied_stream.hpp"
#include "net/tls_stream.hpp"

namespace nae::net {
namespace {

using boost::asio::ip::tcp;

// The context in force; read by the accepting thread, replaced by any.
class CurrentContext {
 public:
  explicit CurrentContext(TlsContext context) : context_(std::move(context)) {}
  TlsContext get() const {
    std::lock_guard lock(mutex_);
    return context_;
  }
  void set(TlsContext context) {
    std::lock_guard lock(mutex_);
    context_ = std::move(context);
  }

 private:
  mutable std::mutex mutex_;
  TlsContext context_;
};

class TlsListener final : public Listener {
 public:
  TlsListener(std::shared_ptr<AcceptLoop> accepting, std::shared_ptr<CurrentContext> context,
              const tcp::endpoint& endpoint)
      : accepting_(std::move(accepting)), context_(std::move(context)), port_(endpoint.port()) {
    std::string host = endpoint.address().to_string();
    address_ = (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(port_);
  }
  // What is open ends here, and not when its loop does: connections and the socket that they came
  // by keep each other, and with it the port.
  ~TlsListener() override { stop(std::chrono::milliseconds(0)); }

  const std::string& address() const override { return address_; }
  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return accepting_->connections(); }
  void replace_context(TlsContext context) override {
    context_->set(context);
    // Whoever is accepted from now on gets it; those before are all found here.
    accepting_->for_each([context = std::move(context)](Connection& connection) {
      connection.verify_peer_again(context);
    });
  }
  void for_each(std::function<void(Connection&)> visit) override { accepting_->for_each(visit); }
  void begin_stop(std::function<void()> on_drained) override {
    accepting_->begin_stop(std::move(on_drained));
  }
  void abort_all(Error reason) override { accepting_->abort_all(reason); }

 private:
  std::shared_ptr<AcceptLoop> accepting_;
  std::shared_ptr<CurrentContext> context_;
  std::string address_;
  std::uint16_t port_;
};

Result<boost::asio::ip::address> numeric_address(const std::string& host) {
  boost::system::error_code error;
  auto address = boost::asio::ip::make_address(host, error);
  if (!error) return address;
  return fail(Code::config_invalid, "'" + host + "' is not an address to listen on",
              "Give the number of an interface, such as 127.0.0.1, or 0.0.0.0 or [::] for all.");
}

Result<tcp::acceptor> bind_tcp(boost::asio::io_context& loop, const TlsListenerOptions& options) {
  boost::system::error_code error;
  NAE_ASSIGN(const boost::asio::ip::address address, numeric_address(options.host));
  tcp::acceptor acceptor(loop);
  tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(SOMAXCONN, error);
  if (!error) acceptor.native_non_blocking(true, error);
  // Another process may end, and an interface may come up.
  const bool may_pass = error == boost::asio::error::address_in_use ||
                        error == boost::system::errc::address_not_available;
  if (may_pass)
    return fail(Code::conflict,
                "cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                    error.message(),
                "See with 'ss -ltnp' who listens there, or correct server.listen.");
  if (error)
    return fail(Code::config_invalid, "cannot listen on " + options.host + ":" +
                                          std::to_string(options.port) + ": " + error.message());
  return acceptor;
}

}  // namespace

Result<void> check_address(const TlsListenerOptions& options) {
  return numeric_address(options.host).map([](const boost::asio::ip::address&) {});
}

Result<std::unique_ptr<Listener>> listen_tls(WorkerThreads& workers, TlsContext context,
                                             std::map<std::string, ProtocolFactory> protocols,
                                             const TlsListenerOptions& options) {
  boost::asio::io_context& accept_on = workers.loop(0);
  NAE_ASSIGN(tcp::acceptor acceptor, bind_tcp(accept_on, options));
  tcp::endpoint endpoint = acceptor.local_endpoint();
  auto current = std::make_shared<CurrentContext>(std::move(context));

  AcceptLoop::Settings settings;
  settings.max_connections = options.max_connections;
  settings.have_handshake = true;
  settings.limits = options.limits;
  settings.make_stream = [current, writes_proxy_header = options.writes_proxy_header](
                             int descriptor) -> std::unique_ptr<Stream> {
    auto stream = TlsStream::accept(current->get(), descriptor);
    if (!writes_proxy_header || !writes_proxy_header(remote_address_of(descriptor))) return stream;
    return std::make_unique<ProxiedStream>(std::move(stream));
  };
  settings.choose_loop = [&workers, next = std::size_t{0}]() mutable -> boost::asio::io_context& {
    return workers.loop(next++ % workers.size());
  };
  settings.on_open = [protocols = std::move(protocols)](Connection& connection) {
    auto found = protocols.find(std::string(connection.protocol_name()));
    return found == protocols.end() ? nullptr : found->second(connection);
  };
  auto accepting = std::make_shared<AcceptLoop>(accept_on, acceptor.release(), std::move(settings));
  accepting->start();
  return std::make_unique<TlsListener>(std::move(accepting), std::move(current), endpoint);
}

}  // namespace nae::net
