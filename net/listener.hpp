// Listeners: accept connections and give each a thread and a protocol. TCP with mutual TLS for the
// key server, a Unix socket for the agent.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"
#include "net/connection.hpp"
#include "net/tls_context.hpp"
#include "net/worker_threads.hpp"

namespace nae::net {

// Accepts until stop(). Its functions may be called from any thread.
class Listener {
 public:
  virtual ~Listener() = default;

  // Where it listens: "127.0.0.1:4433", "[::1]:4433" or the socket's path.
  virtual const std::string& address() const = 0;
  virtual std::uint16_t port() const = 0;  // 0 for a Unix socket
  virtual std::size_t connections() const = 0;

  // Certificates for later connections; those that exist keep theirs, but end when their peer's is
  // not accepted by the new authorities. Nothing for a Unix socket.
  virtual void replace_context(TlsContext context) = 0;
  // Runs `visit` on every open connection, on that connection's thread, soon.
  virtual void for_each(std::function<void(Connection&)> visit) = 0;

  // Returns when every connection that speaks `protocol` (ALPN) has ended the turn it was in and
  // what it had said by then has reached its peer's host. A peer that takes nothing until
  // `deadline` is cut off, and what it has not taken is thrown away. False when a thread of the
  // connections did not answer in time. Not from such a thread: it would wait for itself.
  bool settle(std::string_view protocol, std::chrono::milliseconds deadline);

  // Accepts nothing more, lets every protocol finish what it has begun and every output drain.
  // `on_drained` runs once, on any thread of the connections, when the last one is closed.
  virtual void begin_stop(std::function<void()> on_drained) = 0;
  // Ends every connection now.
  virtual void abort_all(Error reason) = 0;
  // Both, waiting: begin_stop(), and abort_all() at the deadline. Answers how many were cut. Not
  // from a thread that runs the connections: it would wait for itself.
  std::size_t stop(std::chrono::milliseconds deadline);
};

struct TlsListenerOptions {
  std::string host = "127.0.0.1";  // address of an interface; "::" or "0.0.0.0" for all
  std::uint16_t port = 0;          // 0: the system chooses, see Listener::port()
  std::size_t max_connections = 1024;
  ConnectionLimits limits;
  // Whether a peer with this address, as remote_address() shows it, is a balancer that writes a
  // PROXY header first: its connections must, and what others write there is no TLS. Runs on the
  // accepting thread. Empty: nobody is.
  std::function<bool(std::string_view remote_address)> writes_proxy_header = {};
};

// `protocols`: a factory for every ALPN name that the context offers.
// Destroying it cuts what stop() has not ended. Not from a thread of `workers`, which outlives it.
Result<std::unique_ptr<Listener>> listen_tls(WorkerThreads& workers, TlsContext context,
                                             std::map<std::string, ProtocolFactory> protocols,
                                             const TlsListenerOptions& options);

// What listen_tls() would refuse of them on any machine: `host` is no numeric address.
Result<void> check_address(const TlsListenerOptions& options);

// What becomes of a connection to a Unix socket for which there is no place. All three are called
// on the loop of the connections; none needs to be there.
struct PlaceRules {
  // One that can be spared for a new one, or nullptr. Its protocol is dismissed, and it is closed.
  std::function<Connection*()> choose_spare;
  // Why a new one is refused when there are so many.
  std::function<Error(std::size_t connections)> full;
  // The bytes that tell it the reason; they are there to be read although the socket is closed.
  std::function<Bytes(const Error& reason)> last_word;
};

struct UnixListenerOptions {
  std::string path;
  unsigned mode = 0660;  // of the socket file
  std::size_t max_connections = 1024;
  PlaceRules places;
  ConnectionLimits limits;
};

// What listen_unix() would refuse of them whoever else listens: a path that is too long for a
// socket (sun_path holds 107 bytes), or that something else than a socket has.
Result<void> check_path(const UnixListenerOptions& options);

// All connections live on `loop`. A socket file that nobody answers on is replaced;
// Code::conflict when somebody does.
Result<std::unique_ptr<Listener>> listen_unix(boost::asio::io_context& loop,
                                              ProtocolFactory protocol,
                                              const UnixListenerOptions& options);

}  // namespace nae::net
