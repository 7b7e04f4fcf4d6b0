// Upstream: one connection to one key server, opened at the start, kept warm, reopened for ever.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "agent/sent_contexts.hpp"
#include "libnae/wire/frame.hpp"
#include "libnae/wire/hello.hpp"
#include "net/connection.hpp"
#include "net/connector.hpp"
#include "net/tls_context.hpp"

namespace nae::agent {

class Upstream;

// Whom an Upstream tells.
class UpstreamEvents {
 public:
  virtual ~UpstreamEvents() = default;
  // The server has named itself. An error ends the connection, before anything is asked on it.
  virtual Result<void> upstream_greeted(Upstream& upstream, const wire::HelloReply& reply) = 0;
  virtual void upstream_ready(Upstream& upstream) = 0;
  // Nothing that was sent on it will be answered any more. Also after a failed attempt to connect.
  virtual void upstream_lost(Upstream& upstream, const Error& reason) = 0;
  // `bytes` is the whole frame; the view lives for the call.
  virtual void upstream_replied(Upstream& upstream, const wire::Frame& frame, ByteView bytes) = 0;
  virtual void upstream_epoch(std::uint64_t epoch) = 0;
  // The connection may be given up in it.
  virtual void upstream_state(Upstream& upstream, const wire::StateDigest& state) = 0;
  virtual void upstream_nodes(Upstream& upstream, const wire::NodeList& nodes) = 0;
};

struct UpstreamSettings {
  net::Endpoint endpoint;
  net::TlsContext tls;
  wire::Limits limits;
  std::chrono::milliseconds connect_timeout{5'000};
};

class Upstream {
 public:
  Upstream(boost::asio::io_context& loop, UpstreamSettings settings, UpstreamEvents& events);
  ~Upstream();  // ends the connection; no event is told
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  using TimePoint = std::chrono::steady_clock::time_point;

  void start();
  // A request waits for the server: connects now if it would only do so later.
  void hurry();
  TimePoint attempted_at() const { return attempted_at_; }
  // It keeps serving what it has, but is not reopened: its certificate or server is replaced. It
  // ends when `tls` does not accept its server.
  void retire(const net::TlsContext& tls);
  bool retired() const { return retired_; }
  // The same, and nothing more is asked of it: what it owes it may answer.
  void drop(const net::TlsContext& tls);

  // The server said that it is about to stop: no more requests until it is reached anew.
  void avoid() { avoided_ = true; }

  // How long the server owes a sign of life: an answer or a pong, and nothing came.
  std::chrono::milliseconds silent_for(TimePoint now) const;
  bool heard_since(TimePoint time) const { return last_heard_ >= time; }
  // Asks for a sign of life, unless one is asked for already.
  void ping(TimePoint now);
  void give_up(const Error& reason);

  bool waiting() const { return state_ == State::waiting && !retired_; }
  bool ready() const { return state_ == State::ready && !avoided_; }
  // Appends the frame under `request_id`, quoting `context`; it leaves with whatever else is
  // appended in this turn of the event loop.
  Result<SentContextPtr> send(std::uint64_t request_id, ByteView frame, const ContextPtr& context);
  // The answer to a request came, or nobody waits for it on this connection any more.
  void settled(SentContext& sent, std::size_t frame_bytes);
  void forget_context(const SentContext& sent) { contexts_.forget(sent); }

  const UpstreamSettings& settings() const { return settings_; }
  bool being_opened() const { return state_ == State::connecting || state_ == State::greeting; }
  std::string server() const { return net::to_string(settings_.endpoint); }
  std::string_view state_name() const;
  std::size_t outstanding() const { return outstanding_; }
  std::size_t outstanding_bytes() const { return outstanding_bytes_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t connects() const { return connects_; }
  std::uint64_t request_bytes() const { return request_bytes_; }
  std::uint64_t reply_bytes() const { return reply_bytes_; }
  std::size_t open_contexts() const { return contexts_.size(); }
  // At the last attempt its certificate was that of the endpoint.
  bool proven() const { return proven_; }
  // Why it is not ready, and Code::internal without a message when there is nothing to say.
  const Error& last_error() const { return last_error_; }
  // What the server agreed to; the own limits before.
  const wire::HelloReply& agreed() const { return agreed_; }

 private:
  class Link;
  enum class State : std::uint8_t { waiting, connecting, greeting, ready };

  void connect();
  void link_opened(Link& link);
  void heard();
  bool receive(const wire::Frame& frame, ByteView bytes);
  bool receive_hello(const wire::Frame& frame);
  void lost(const Error& reason);
  void reconnect_later();
  void watch();
  void check_alive();

  boost::asio::io_context& loop_;
  UpstreamSettings settings_;
  UpstreamEvents& events_;
  boost::asio::steady_timer reconnect_timer_;
  boost::asio::steady_timer watch_timer_;
  std::shared_ptr<net::ConnectAttempt> attempt_;
  Link* link_ = nullptr;  // owned by its connection
  SentContexts contexts_;
  State state_ = State::waiting;
  bool retired_ = false;
  bool avoided_ = false;
  bool proven_ = false;
  bool pinged_ = false;
  bool pong_owed_ = false;
  TimePoint last_heard_;
  std::optional<TimePoint> owed_since_;
  unsigned failures_ = 0;  // in a row
  TimePoint attempted_at_;
  std::minstd_rand jitter_{std::random_device{}()};
  wire::HelloReply agreed_;
  std::size_t outstanding_ = 0;
  std::size_t outstanding_bytes_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t connects_ = 0;
  std::uint64_t request_bytes_ = 0;
  std::uint64_t reply_bytes_ = 0;
  std::uint64_t reply_bytes_at_last_watch_ = 0;
  std::optional<Error> said_;  // what is known of this connection's end before it ended
  Error last_error_;
};

}  // namespace nae::agent
