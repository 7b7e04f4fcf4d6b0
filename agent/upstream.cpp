#include "agent/upstream.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "libnae/base/log_text.hpp"
#include "libnae/base/version.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame_rules.hpp"

namespace nae::agent {

using wire::FrameType;

namespace {

constexpr std::chrono::milliseconds kFirstBackoff{100};
constexpr std::chrono::milliseconds kLongestBackoff{3'000};
// A server from which nothing has come for two of these, a pong included, is given up. While
// requests wait for it the broker looks more closely.
constexpr std::chrono::milliseconds kWatchInterval{5'000};
// Half of what the protocol allows: a server counts a context until it has read its closing.
constexpr std::size_t kMaxOpenContexts = wire::kMaxContexts / 2;
constexpr std::size_t kReceiveBytes = 64u << 10;
constexpr std::size_t kSlowLineBytesPerMs = 1'024;  // 8 Mbit/s
constexpr std::uint64_t kHelloId = 0;
constexpr std::uint64_t kPingId = UINT64_MAX;

}  // namespace

// The protocol on the connection. It outlives the Upstream when the connection closes later.
class Upstream::Link final : public net::Protocol {
 public:
  Link(Upstream& upstream, net::Connection& connection)
      : upstream_(&upstream),
        connection_(connection),
        assembler_(wire::max_reply_bytes(upstream.settings_.limits)) {}

  ByteSpan receive_space() override { return assembler_.prepare(kReceiveBytes); }
  bool received(std::size_t bytes) override {
    assembler_.commit(bytes);
    while (upstream_ != nullptr) {
      auto frame = assembler_.next();
      if (!frame) return fail_with(frame.error());
      if (!*frame) {
        upstream_->heard();
        return true;
      }
      if (!upstream_->receive(**frame, assembler_.last_frame_bytes())) return false;
    }
    return false;
  }

  // Ends the connection for a reason that this side knows best. Answers false, for received().
  bool fail_with(const Error& error) {
    if (upstream_ != nullptr) upstream_->said_ = error;
    connection_.abort(error);
    return false;
  }
  void detach() { upstream_ = nullptr; }
  net::Connection& connection() { return connection_; }

 private:
  Upstream* upstream_;
  net::Connection& connection_;
  // By what this side offered: what is agreed is no more.
  wire::FrameAssembler assembler_;
};

Upstream::Upstream(boost::asio::io_context& loop, UpstreamSettings settings, UpstreamEvents& events)
    : loop_(loop),
      settings_(std::move(settings)),
      events_(events),
      reconnect_timer_(loop),
      watch_timer_(loop),
      contexts_(kMaxOpenContexts) {
  agreed_.limits = settings_.limits;
}

Upstream::~Upstream() {
  if (link_ != nullptr) link_->detach();
  if (attempt_) attempt_->cancel();
}

std::string_view Upstream::state_name() const {
  switch (state_) {
    case State::waiting:
      return "waiting";
    case State::connecting:
      return "connecting";
    case State::greeting:
      return "greeting";
    case State::ready:
      return retired_ || avoided_ ? "retiring" : "ready";
  }
  return "unknown";
}

void Upstream::start() {
  connect();
}

void Upstream::hurry() {
  if (!waiting()) return;
  reconnect_timer_.cancel();
  connect();
}

void Upstream::retire(const net::TlsContext& tls) {
  retired_ = true;
  if (link_ != nullptr)
    return link_->connection().post(
        [tls](net::Connection& connection) { connection.verify_peer_again(tls); });
  // An attempt under way would verify by what was replaced.
  if (attempt_) attempt_->cancel();
  attempt_.reset();
  reconnect_timer_.cancel();
  state_ = State::waiting;
}

void Upstream::drop(const net::TlsContext& tls) {
  retire(tls);
  avoided_ = true;
  if (being_opened()) give_up(Error(Code::server_unavailable, "the server is used no more"));
}

void Upstream::connect() {
  state_ = State::connecting;
  proven_ = false;
  attempted_at_ = std::chrono::steady_clock::now();
  net::ConnectionLimits limits;
  limits.handshake_timeout = settings_.connect_timeout;
  attempt_ = net::connect_tls(
      loop_, settings_.tls, settings_.endpoint, limits,
      [this](net::Connection& connection) {
        auto link = std::make_unique<Link>(*this, connection);
        link_opened(*link);
        return link;
      },
      [this](const Error& reason) { lost(reason); });
}

void Upstream::link_opened(Link& link) {
  link_ = &link;
  proven_ = true;
  state_ = State::greeting;
  wire::Hello hello;
  hello.highest_version = wire::kVersionWithNodes;
  hello.limits = settings_.limits;
  hello.software = software("nae-agent");
  wire::append_hello(link.connection().output(), kHelloId, hello);
  watch();
}

bool Upstream::receive(const wire::Frame& frame, ByteView bytes) {
  reply_bytes_ += bytes.size();
  const bool greeting = state_ == State::greeting;
  auto admitted =
      wire::admit(frame, wire::Side::answerer, greeting ? wire::Phase::fresh : wire::Phase::greeted,
                  agreed_.version);
  if (!admitted) return link_->fail_with(admitted.error());
  if (greeting) return receive_hello(frame);
  std::uint64_t id = frame.header.request_id;
  switch (frame.header.type) {
    case FrameType::crypto_reply:
    case FrameType::lookup_reply:
      events_.upstream_replied(*this, frame, bytes);
      return true;
    case FrameType::error:
      if (SentContexts::is_open_request(id) && id != kPingId) {
        auto message = wire::parse_error(frame.body);
        contexts_.refused(id, message ? message->error : message.error());
      } else if (id == 0) {
        // About the connection as a whole; the server closes it after this.
        auto message = wire::parse_error(frame.body);
        return link_->fail_with(message ? message->error : message.error());
      } else {
        events_.upstream_replied(*this, frame, bytes);
      }
      return true;
    case FrameType::context_opened:
      contexts_.opened(id);
      return true;
    case FrameType::pong:
      return true;
    case FrameType::ping:
      wire::append_empty_frame(link_->connection().output(), FrameType::pong, id);
      return true;
    case FrameType::epoch: {
      auto epoch = wire::parse_epoch(frame.body);
      if (!epoch) return link_->fail_with(epoch.error());
      agreed_.epoch = *epoch;
      events_.upstream_epoch(*epoch);
      return true;
    }
    case FrameType::state: {
      auto state = wire::parse_state(frame.body);
      if (!state) return link_->fail_with(state.error());
      Link* link = link_;
      events_.upstream_state(*this, *state);
      return link_ == link;
    }
    case FrameType::nodes: {
      auto nodes = wire::parse_node_list(frame.body);
      if (!nodes) return link_->fail_with(nodes.error());
      events_.upstream_nodes(*this, *nodes);
      return true;
    }
    default:  // admitted: none is left
      return true;
  }
}

bool Upstream::receive_hello(const wire::Frame& frame) {
  if (frame.header.type == FrameType::error) {
    auto message = wire::parse_error(frame.body);
    return link_->fail_with(message ? message->error : message.error());
  }
  auto reply = wire::parse_hello_reply(frame.body);
  if (!reply) return link_->fail_with(reply.error());
  if (auto admitted = events_.upstream_greeted(*this, *reply); !admitted)
    return link_->fail_with(admitted.error());
  agreed_ = *std::move(reply);
  state_ = State::ready;
  last_heard_ = std::chrono::steady_clock::now();
  pong_owed_ = false;
  owed_since_.reset();
  failures_ = 0;
  ++connects_;
  last_error_ = {};
  spdlog::info("event=upstream_ready server={} software={}", server(),
               quoted_text(agreed_.software));
  events_.upstream_ready(*this);
  return true;
}

Result<SentContextPtr> Upstream::send(std::uint64_t request_id, ByteView frame,
                                      const ContextPtr& context) {
  // A client that came before the first agreement with a server may send more than was agreed.
  if (frame.size() - wire::kFrameHeaderBytes > agreed_.limits.max_frame_bytes)
    return fail(Code::frame_too_large, "request of " +
                                           std::to_string(frame.size() - wire::kFrameHeaderBytes) +
                                           " bytes; the key server's limit is " +
                                           std::to_string(agreed_.limits.max_frame_bytes));
  Bytes& out = link_->connection().output();
  NAE_ASSIGN(SentContextPtr sent, contexts_.use(context, agreed_, out));
  std::size_t at = out.size();
  // Not insert(): it would copy byte by byte under this allocator.
  std::memcpy(ByteWriter(out).reserve(frame.size()).data(), frame.data(), frame.size());
  wire::patch_request_id(ByteSpan(out).subspan(at), request_id);
  store_big_endian(out.data() + at + wire::kContextOffsetInFrame, sent->number);
  link_->connection().flush_soon();
  if (!owed_since_) owed_since_ = std::chrono::steady_clock::now();
  ++sent->outstanding;
  ++outstanding_;
  ++requests_;
  outstanding_bytes_ += frame.size();
  request_bytes_ += frame.size();
  return sent;
}

// When all that was read is settled, so that nothing is owed where nothing is outstanding.
void Upstream::heard() {
  last_heard_ = std::chrono::steady_clock::now();
  pong_owed_ = false;
  owed_since_ = outstanding_ > 0 ? std::optional(last_heard_) : std::nullopt;
}

// Bytes on their way are given the time that a slow line takes for them.
std::chrono::milliseconds Upstream::silent_for(TimePoint now) const {
  if (state_ != State::ready || !owed_since_ || now <= *owed_since_) return {};
  const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(now - *owed_since_);
  const std::chrono::milliseconds travel(outstanding_bytes_ / kSlowLineBytesPerMs);
  return silent > travel ? silent - travel : std::chrono::milliseconds(0);
}

void Upstream::ping(TimePoint now) {
  if (state_ != State::ready || std::exchange(pong_owed_, true)) return;
  if (!owed_since_) owed_since_ = now;
  wire::append_empty_frame(link_->connection().output(), FrameType::ping, kPingId);
  link_->connection().flush_soon();
}

void Upstream::give_up(const Error& reason) {
  if (link_ != nullptr) link_->connection().abort(reason);
}

void Upstream::settled(SentContext& sent, std::size_t frame_bytes) {
  --sent.outstanding;
  --outstanding_;
  outstanding_bytes_ -= frame_bytes;
}

void Upstream::lost(const Error& reason) {
  // What the server said itself tells more than how the connection ended.
  Error told = reason;
  if (auto said = std::exchange(said_, {}))
    told = Error(said->code, server() + ": " + said->message, said->hint);
  if (last_error_.message != told.message || failures_ == 0)
    spdlog::warn("event=upstream_lost server={} code={} reason={}", server(), name(told.code),
                 quoted_text(told.message));
  last_error_ = told;
  state_ = State::waiting;
  avoided_ = false;
  link_ = nullptr;
  attempt_.reset();
  contexts_ = SentContexts(kMaxOpenContexts);
  watch_timer_.cancel();
  ++failures_;
  if (!retired_) reconnect_later();
  events_.upstream_lost(*this, told);
}

// Exponential with full jitter: after an outage all agents would otherwise come back at once.
void Upstream::reconnect_later() {
  auto backoff = kFirstBackoff * (1u << std::min(failures_ - 1, 10u));
  auto bounded = std::min<std::chrono::milliseconds>(backoff, kLongestBackoff);
  std::uniform_int_distribution<std::int64_t> spread(bounded.count() / 2, bounded.count());
  reconnect_timer_.expires_after(std::chrono::milliseconds(spread(jitter_)));
  reconnect_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && waiting()) connect();  // not when hurry() was in between
  });
}

void Upstream::watch() {
  pinged_ = false;
  reply_bytes_at_last_watch_ = reply_bytes_;
  watch_timer_.expires_after(kWatchInterval);
  watch_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) check_alive();
  });
}

// Finds servers that vanished without a word, and keeps middleboxes from forgetting the connection.
void Upstream::check_alive() {
  if (link_ == nullptr) return;
  net::Connection& connection = link_->connection();
  bool heard = reply_bytes_ != reply_bytes_at_last_watch_;
  if (!heard && pinged_)
    return connection.abort(Error(Code::timeout, "the server does not answer"));
  bool ping_now = state_ == State::ready;
  if (ping_now) contexts_.close_departed(connection.output());
  watch();
  pinged_ = true;  // in greeting the hello itself is what must be answered
  if (!ping_now) return;
  wire::append_empty_frame(connection.output(), FrameType::ping, kPingId);
  connection.flush();
}

}  // namespace nae::agent
