#include "net/accept_loop.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>
#include <vector>

#include "libnae/base/descriptor_limit.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::net {
namespace {

// Out of descriptors or memory: accept() would fail again at once, and the loop would spin.
constexpr std::chrono::milliseconds kPauseWhenExhausted{100};
// Other work of the thread gets its turn after so many.
constexpr int kAcceptsPerTurn = 32;
// Its own, and those that it takes to look at its process.
constexpr int kDescriptorsOfANewOne = 4;
// Connections that were told to go but hold their descriptor yet.
constexpr std::size_t kMostDropped = 64;

constexpr std::string_view kHowToHaveMore =
    "Raise the limit of open files (LimitNOFILE=), or allow fewer connections.";

bool means_exhausted(int error) {
  return lacks_descriptors(error) || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

std::string remote_address_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return "unknown";
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(in.sin6_port));
  }
  return "unix";
}

AcceptLoop::AcceptLoop(boost::asio::io_context& loop, int descriptor, Settings settings)
    : acceptor_(loop, descriptor), pause_timer_(loop), settings_(std::move(settings)) {}

void AcceptLoop::start() {
  boost::asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->wait(); });
}

void AcceptLoop::wait() {
  if (!acceptor_.is_open()) return;
  acceptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error) self->accept_waiting();
                       });
}

void AcceptLoop::accept_waiting() {
  for (int i = 0; i < kAcceptsPerTurn && acceptor_.is_open(); ++i)
    if (!accept_one()) break;
  if (pause_timer_.expiry() <= std::chrono::steady_clock::now()) wait();
}

// False when nobody waits or nothing can be accepted now.
bool AcceptLoop::accept_one() {
  keep_reserve();
  int descriptor =
      ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor >= 0) {
    add(descriptor, remote_address_of(descriptor));
    return true;
  }
  const int error = errno;
  // The kernel takes a descriptor before it looks whether anybody waits.
  if (lacks_descriptors(error) && !somebody_waits()) return false;
  if (lacks_descriptors(error) && accept_without_descriptors(error)) return true;
  if (means_exhausted(error)) {
    if (auto times = failures_.happens(std::chrono::steady_clock::now()))
      spdlog::error("event=accept_failed times={} reason={}", *times,
                    quoted_text(exhausted_text(error) + ". " + std::string(kHowToHaveMore)));
    pause();
    return false;
  }
  // ECONNABORTED and the network errors of accept(2) concern one peer that is gone already.
  return error != EAGAIN && error != EBADF && error != EINVAL;
}

// Others give their descriptors, or the reserve does, for as long as it takes to say why there is
// none. True when it is worth another look.
bool AcceptLoop::accept_without_descriptors(int error) {
  if (!settings_.places.last_word) return false;
  bool spared = false;
  for (int i = 0; i < kDescriptorsOfANewOne && spare_one(); ++i) spared = true;
  if (spared) return true;
  if (!reserve_ || reserve_->get() < 0) return false;
  reserve_.reset();
  const int descriptor = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor >= 0)
    refuse(descriptor, remote_address_of(descriptor),
           Error(Code::overloaded, exhausted_text(error), std::string(kHowToHaveMore)));
  keep_reserve();
  return descriptor >= 0;
}

bool AcceptLoop::somebody_waits() {
  pollfd waiting{acceptor_.native_handle(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

void AcceptLoop::keep_reserve() {
  if (settings_.places.last_word && !(reserve_ && reserve_->get() >= 0))
    reserve_.emplace(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void AcceptLoop::pause() {
  pause_timer_.expires_after(kPauseWhenExhausted);
  pause_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->wait();
  });
}

void AcceptLoop::add(int descriptor, std::string remote_address) {
  int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused by Unix sockets
  if (is_full() && !make_place()) {
    const std::size_t open = connections();
    return refuse(
        descriptor, remote_address,
        settings_.places.full
            ? settings_.places.full(open)
            : Error(Code::overloaded, "open are " + std::to_string(open) + " connections"));
  }
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(descriptor);
      return;
    }
    connection =
        std::make_shared<Connection>(settings_.choose_loop(), settings_.make_stream(descriptor),
                                     std::move(remote_address), settings_.limits);
    connections_.emplace(connection.get(), Held{connection, ++accepted_, false});
    if (settings_.have_handshake) in_handshake_.emplace(accepted_, connection.get());
  }
  connection->post([self = shared_from_this()](Connection& started) {
    started.start(
        [self](Connection& opened) { return self->opened(opened); },
        [self](Connection& closed, const Error& reason) { self->removed(closed, reason); });
  });
}

bool AcceptLoop::is_full() const {
  std::lock_guard lock(mutex_);
  return !stopping_ && connections_.size() - dropped_ >= settings_.max_connections;
}

bool AcceptLoop::make_place() {
  if (spare_one()) return true;
  std::lock_guard lock(mutex_);
  return take_place_in_handshake();
}

bool AcceptLoop::spare_one() {
  Connection* spare = settings_.places.choose_spare ? settings_.places.choose_spare() : nullptr;
  if (spare == nullptr) return false;
  spare->end_idle(Error(Code::shutting_down, "it had nothing under way and gave its place"));
  return true;
}

// A Unix socket keeps what was written before it was closed, whatever its peer has written.
void AcceptLoop::refuse(int descriptor, const std::string& remote_address, const Error& reason) {
  if (auto times = refusals_.happens(std::chrono::steady_clock::now()))
    spdlog::warn("event=connection_refused remote={} times={} reason={}", remote_address, *times,
                 quoted_text(reason.message));
  if (settings_.places.last_word) {
    const Bytes said = settings_.places.last_word(reason);
    (void)::send(descriptor, said.data(), said.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  ::close(descriptor);
}

// A peer proves nothing before its handshake is complete: silent ones must not keep others out.
// With the mutex held. False when there is none to drop.
bool AcceptLoop::take_place_in_handshake() {
  if (in_handshake_.empty() || dropped_ >= kMostDropped) return false;
  Held& oldest = connections_.at(in_handshake_.begin()->second);
  in_handshake_.erase(in_handshake_.begin());
  oldest.dropped = true;
  ++dropped_;
  oldest.connection->post([](Connection& connection) {
    connection.abort(Error(Code::overloaded, "its handshake gave way to a new connection"));
  });
  return true;
}

std::unique_ptr<Protocol> AcceptLoop::opened(Connection& connection) {
  {
    std::lock_guard lock(mutex_);
    const Held& held = connections_.at(&connection);
    if (held.dropped) return nullptr;
    in_handshake_.erase(held.number);
  }
  return settings_.on_open(connection);
}

// Connects, says nothing and leaves: a balancer's health check.
void AcceptLoop::log_silent(const Connection& connection) {
  std::optional<std::uint64_t> number;
  {
    std::lock_guard lock(mutex_);
    number = silent_departures_.count(std::chrono::steady_clock::now());
  }
  if (number)
    spdlog::info("event=connections_left_silently count={} last_remote={}", *number,
                 connection.remote_address());
}

void AcceptLoop::removed(Connection& connection, const Error& reason) {
  if (settings_.have_handshake && reason.code == Code::connection_lost &&
      connection.peer().name.empty())
    log_silent(connection);
  else if (!reason.message.empty() && reason.code != Code::shutting_down) {
    // Clients that just go away are everyday life; refused ones are somebody's concern.
    auto level = reason.code == Code::connection_lost ? spdlog::level::info : spdlog::level::warn;
    spdlog::log(level, "event=connection_closed remote={} peer={} code={} reason={}",
                connection.remote_address(), connection.peer().name, name(reason.code),
                quoted_text(reason.message));
  }
  std::function<void()> on_drained;
  {
    std::lock_guard lock(mutex_);
    auto found = connections_.find(&connection);
    in_handshake_.erase(found->second.number);
    if (found->second.dropped) --dropped_;
    connections_.erase(found);
    if (stopping_ && connections_.empty()) on_drained = std::exchange(on_drained_, nullptr);
  }
  if (on_drained) on_drained();
}

std::size_t AcceptLoop::connections() const {
  std::lock_guard lock(mutex_);
  return connections_.size();
}

void AcceptLoop::for_each(const std::function<void(Connection&)>& visit) {
  std::lock_guard lock(mutex_);
  for (const auto& [key, held] : connections_)
    held.connection->post([visit](Connection& open) {
      if (open.is_open()) visit(open);
    });
}

void AcceptLoop::begin_stop(std::function<void()> on_drained) {
  boost::asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
    boost::system::error_code ignored;
    self->acceptor_.close(ignored);
    self->pause_timer_.cancel();
  });
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (!connections_.empty()) on_drained_ = std::exchange(on_drained, nullptr);
  }
  if (on_drained) return on_drained();  // there is none to wait for
  for_each([](Connection& connection) { connection.begin_shutdown(); });
}

void AcceptLoop::abort_all(const Error& reason) {
  for_each([reason](Connection& connection) { connection.abort(reason); });
}

}  // namespace nae::net
