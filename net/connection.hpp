// Connection: drives one stream and its protocol on one event loop. Reads until the socket is
// drained, hands the bytes over, then writes every answer of that batch at once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "net/outbox.hpp"
#include "net/protocol.hpp"
#include "net/tls_context.hpp"

namespace nae::net {

struct ConnectionLimits {
  std::chrono::milliseconds handshake_timeout{10'000};
  // Closes a connection on which nothing was read for so long and nothing is in flight; 0: never.
  std::chrono::milliseconds idle_timeout{0};
  // Closes a connection whose peer takes nothing of what waits for it.
  std::chrono::milliseconds stalled_write_timeout{30'000};
  // Reading stops while more than this waits to be written.
  std::size_t max_output_bytes = 4u << 20;
  // Called right before bytes leave, once for all that leave together: a server that may not answer
  // any more ends its process there. Must be quick.
  std::function<void()> before_write = {};
  // Other connections of the thread get their turn after so much.
  std::size_t max_batch_bytes = 512u << 10;
};

// The protocol lives as long as its connection and must not own it.
// Lives on one io_context that one thread runs. Only post() may be called from other threads.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::io_context& loop, std::unique_ptr<Stream> stream,
             std::string remote_address, const ConnectionLimits& limits);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Bytes waiting for flush(); a protocol only ever appends.
  Bytes& output() { return outbox_.bytes(); }
  std::size_t output_bytes() const { return outbox_.waiting(); }
  // Writes what the socket takes now and the rest when it can. Called by itself after every batch;
  // a protocol calls it after appending at any other time.
  void flush();
  // flush() at the end of this turn of the event loop, however often it is asked for.
  void flush_soon();
  // Sends what is in the output, then ends the connection.
  void close_after_flush();
  // Ends the connection now.
  void abort(Error reason);
  // Nothing is under way: the protocol's last word is written, and the connection ends at once.
  void end_idle(const Error& reason);
  // abort(), and what the peer's host has not acknowledged by now never reaches it.
  void cut(Error reason);

  // A place in what this side says: the end of the output as it is now.
  struct OutputMark {
    std::uint64_t output = 0;                       // in bytes of the protocol
    std::optional<std::uint64_t> transmitted = {};  // in bytes of TCP, once it is known
  };
  OutputMark output_mark() const { return {outbox_.written() + output_bytes(), {}}; }
  // Has the peer's host acknowledged everything up to `mark`, or is the connection closed?
  bool delivered(OutputMark& mark);

  // Backpressure by the protocol: nothing is read between the two.
  void pause_reading() { reading_paused_ = true; }
  void resume_reading();
  // More waits to be written than may: the peer does not take its answers, and nothing is read.
  bool is_throttled() const { return throttled_; }
  // When that ended last; the clock's epoch when it never was so.
  std::chrono::steady_clock::time_point throttled_until() const { return throttled_until_; }

  // From now on counts what waits for the peer; one that takes nothing while memory is short is
  // cut off.
  void count_output(MemoryBudget::Share share) { outbox_.count(std::move(share)); }

  void set_idle_timeout(std::chrono::milliseconds timeout);
  void begin_shutdown();
  // Lets the protocol say what has changed on this side.
  void tell_change();
  // Ends the connection if its protocol does not admit the peer any more.
  void reexamine();
  // Ends the connection if the peer's certificate would not be accepted under `context`, which
  // stands for those that connections begin with from now on.
  void verify_peer_again(TlsContext context);

  bool is_open() const { return state_ != State::closed; }
  const PeerIdentity& peer() const { return stream_->peer(); }
  std::string_view protocol_name() const { return stream_->protocol(); }
  const std::string& remote_address() const { return remote_address_; }
  int descriptor() const { return stream_->descriptor(); }
  boost::asio::io_context& loop() { return loop_; }
  // From any thread: runs `work` on the connection's thread, also when it is closed by then.
  template <class Work>
  void post(Work&& work) {
    boost::asio::post(loop_,
                      [self = shared_from_this(), work = std::forward<Work>(work)]() mutable {
                        self->guarded([&] { work(*self); });
                      });
  }

  // For timers of a protocol: what is thrown ends this connection alone.
  template <class Work>
  void run_guarded(Work&& work) {
    auto self = shared_from_this();
    guarded(std::forward<Work>(work));
  }

  // For listeners and connectors.
  using OnOpen = std::function<std::unique_ptr<Protocol>(Connection&)>;
  using OnClose = std::function<void(Connection&, const Error& reason)>;
  // Handshake first, then `on_open` chooses the protocol; `on_close` is called exactly once.
  void start(OnOpen on_open, OnClose on_close);

 private:
  enum class State : std::uint8_t { handshake, open, draining, lingering, closed };
  using WaitType = boost::asio::posix::stream_descriptor::wait_type;
  using TimePoint = std::chrono::steady_clock::time_point;

  // Runs `work`; an exception, such as memory that ran out, ends this connection and no other.
  template <class Work>
  void guarded(Work&& work) {
    try {
      work();
    } catch (const std::exception& thrown) {
      abort(Error(Code::internal, std::string("exception: ") + thrown.what()));
    }
  }
  bool may_read() const { return !reading_paused_ && !throttled_; }
  void step_handshake();
  void read_batch();
  void wait_for_more(bool at_once);
  void wait(WaitType type);
  void ready(WaitType type);
  bool write_pending();
  void close_if_finished();
  void linger(Error reason);
  void discard_input();
  std::optional<TimePoint> next_deadline() const;
  void arm_timer();
  void timer_fired();
  void close_now(Error reason);
  void dismiss(Error reason);
  bool has_expired() const;
  void expire();

  boost::asio::io_context& loop_;
  std::unique_ptr<Stream> stream_;
  boost::asio::posix::stream_descriptor readiness_;  // owns the descriptor
  boost::asio::steady_timer timer_;
  std::unique_ptr<Protocol> protocol_;
  std::string remote_address_;
  ConnectionLimits limits_;
  OnOpen on_open_;
  OnClose on_close_;
  std::optional<TlsContext> verify_with_;  // instead of what the handshake began with
  std::optional<Error> closed_early_;      // before it was started
  Outbox outbox_;
  std::size_t discarded_ = 0;
  State state_ = State::handshake;
  bool reading_paused_ = false;
  bool throttled_ = false;  // output above its bound
  bool read_waits_ = false;
  bool write_waits_ = false;
  bool batch_scheduled_ = false;
  bool flush_scheduled_ = false;
  bool in_batch_ = false;
  bool stopping_ = false;
  bool timer_armed_ = false;
  Error linger_reason_;
  TimePoint throttled_until_;
  TimePoint started_;
  TimePoint last_read_;
  TimePoint linger_until_;
};

}  // namespace nae::net
