#include "agent/downstream.hpp"

#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "agent/unix_role.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/version.hpp"
#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame_rules.hpp"
#include "libnae/wire/hello.hpp"

namespace nae::agent {

using wire::FrameType;

namespace {

constexpr std::size_t kReadBytes = 16u << 10;
// Of one client: a backend has one for each role that it acts as.
constexpr std::size_t kMaxContextsPerClient = 256;
constexpr std::size_t kMaxContextBytesPerClient = 8u << 20;
// Who says nothing takes the place of one who would.
constexpr std::chrono::milliseconds kHelloTimeout{10'000};

// The process that connected: its connections share what memory one may have.
std::string process_of(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return std::to_string(peer.pid);
}

}  // namespace

Downstream::Downstream(net::Connection& connection, const DownstreamServices& services)
    : connection_(connection),
      services_(services),
      assembler_(wire::kMaxFrameBytesBeforeHello),
      reception_(connection, services.memory->share(process_of(connection.descriptor())),
                 kHelloTimeout, [this](Error error) { end_late(std::move(error)); }),
      accepted_(services.attest(connection.descriptor())) {
  services_.broker.add(*this);
  place_ = services_.order.add(*this);
  connection_.set_idle_timeout(kHelloTimeout);
  reception_.progress(true, true, 0);
}

void Downstream::closed(const Error&) {
  reception_.cancel();
  services_.broker.remove(*this);
  services_.order.remove(place_);
}

// Not who has said nothing yet: it came to ask.
bool Downstream::idle() const {
  int unread = 0;
  return program_ && outstanding_ == 0 && !paused_ && !stopping_ && !assembler_.mid_frame() &&
         connection_.output_bytes() == 0 &&
         ::ioctl(connection_.descriptor(), FIONREAD, &unread) == 0 && unread == 0;
}

// Whatever it has written meanwhile is not read: it may ask all of that again.
void Downstream::dismissed(const Error& reason) {
  answer_error(0, reason);
}

// Not by another look at the process: a program whose entry did not change stays what it is,
// although its file was replaced meanwhile. A client asks again on a new connection, where it is
// told what it is now.
bool Downstream::still_admitted() {
  if (!accepted_) return true;  // its hello is refused
  const auto now = services_.attest_again(accepted_->seen);
  if (now && *now == *accepted_) return true;
  spdlog::info("event=client_entry_changed program={} now={}", accepted_->name,
               now ? now->name : "unknown");
  answer_error(0, Error(Code::shutting_down, "the entry of program \"" + accepted_->name +
                                                 "\" in the agent's table has changed"));
  return false;
}

ByteSpan Downstream::receive_space() {
  return assembler_.prepare(kReadBytes);
}

bool Downstream::received(std::size_t bytes) {
  assembler_.commit(bytes);
  return handle_waiting_frames();
}

bool Downstream::has_enough() const {
  return outstanding_ >= services_.max_outstanding ||
         services_.broker.buffered_bytes(*this) >= services_.broker.share_of_an_asker();
}

bool Downstream::has_room_again() const {
  return outstanding_ <= services_.max_outstanding / 2 &&
         services_.broker.buffered_bytes(*this) <= services_.broker.share_of_an_asker() / 2;
}

bool Downstream::handle_waiting_frames() {
  const bool greeted = program_.has_value();
  const std::uint64_t before = frames_;
  services_.order.touch(place_);
  if (!handle_frames()) return false;
  // While this side has enough the client is not the one who is late.
  const bool under_way = !program_ || (assembler_.mid_frame() && !paused_);
  reception_.progress(under_way, greeted && frames_ != before,
                      paused_ ? 0 : assembler_.frame_under_way_bytes());
  return true;
}

bool Downstream::handle_frames() {
  for (;;) {
    if (has_enough()) {
      paused_ = true;
      connection_.pause_reading();
      return true;
    }
    auto frame = assembler_.next();
    if (!frame) return end_with(0, std::move(frame).error());
    if (!*frame) return true;
    ++frames_;
    if (!handle(**frame)) return false;
  }
}

// What a large frame left behind is given back.
bool Downstream::batch_received() {
  assembler_.give_back();
  return true;
}

bool Downstream::handle(const wire::Frame& frame) {
  auto admitted =
      wire::admit(frame, wire::Side::asker, program_ ? wire::Phase::greeted : wire::Phase::fresh);
  if (!admitted) return end_with(frame.header.request_id, std::move(admitted).error());
  switch (frame.header.type) {
    case FrameType::hello:
      return handle_hello(frame);
    case FrameType::open_context:
      return handle_open_context(frame);
    case FrameType::close_context:
      return handle_close_context(frame);
    case FrameType::crypto:
      return handle_crypto(frame);
    case FrameType::lookup:
      return handle_lookup(frame);
    case FrameType::ping:
      wire::append_empty_frame(connection_.output(), FrameType::pong, frame.header.request_id);
      return true;
    default:  // pong
      return true;
  }
}

bool Downstream::handle_hello(const wire::Frame& frame) {
  std::uint64_t id = frame.header.request_id;
  auto hello = wire::parse_hello(frame.body);
  if (!hello) return end_with(id, std::move(hello).error());
  const wire::HelloReply& upstream = services_.broker.agreed();
  auto reply = wire::agree(*hello, upstream.limits);
  if (!reply) return end_with(id, std::move(reply).error());
  if (!accepted_) return end_with(id, accepted_.error());
  auto program = services_.attest(connection_.descriptor());
  if (!program) return end_with(id, std::move(program).error());
  if (*program != *accepted_)
    return end_with(id, Error(Code::program_unknown, "the process was " + accepted_->name +
                                                         " when it connected and is " +
                                                         program->name + " now"));
  program_ = *std::move(program);
  connection_.set_idle_timeout(std::chrono::milliseconds(0));
  reception_.set_time(services_.frame_timeout);
  limits_ = reply->limits;
  assembler_.set_max_body_bytes(limits_.max_frame_bytes);
  reply->software = software("nae-agent");
  reply->server_id = upstream.server_id;
  reply->epoch = upstream.epoch;
  wire::append_hello_reply(connection_.output(), id, *reply);
  return true;
}

bool Downstream::handle_open_context(const wire::Frame& frame) {
  std::uint64_t id = frame.header.request_id;
  auto open = wire::parse_open_context(frame.body);
  if (!open) return end_with(id, std::move(open).error());
  // Only the agent says which program this is.
  if (open->program)
    return end_with(id, Error(Code::protocol_violation, "a client must not attest itself"));
  auto claims = settled_claims(std::move(open->role), program_->unix_role);
  if (!claims) {
    close_context(open->context);
    return answer_error(id, std::move(claims).error());
  }
  open->role = *std::move(claims);
  if (contexts_.size() >= kMaxContextsPerClient && !contexts_.contains(open->context))
    return answer_error(
        id, Error(Code::overloaded, "more than " + std::to_string(kMaxContextsPerClient) +
                                        " contexts on one connection"));
  Opened& opened = contexts_[open->context];
  const std::size_t others = context_bytes_ - opened.bytes;
  if (others + frame.body.size() > kMaxContextBytesPerClient) {
    close_context(open->context);
    return answer_error(
        id, Error(Code::overloaded, "the contexts of one connection take more than " +
                                        std::to_string(kMaxContextBytesPerClient) + " bytes"));
  }
  context_bytes_ = others + frame.body.size();
  const std::uint32_t number = open->context;
  opened = {services_.contexts.intern(std::move(*open), *program_), frame.body.size()};
  wire::append_context_opened(connection_.output(), id, number);
  return true;
}

bool Downstream::handle_close_context(const wire::Frame& frame) {
  auto number = wire::parse_context_number(frame.body);
  if (!number) return end_with(frame.header.request_id, std::move(number).error());
  close_context(*number);
  return true;
}

void Downstream::close_context(std::uint32_t number) {
  auto found = contexts_.find(number);
  if (found == contexts_.end()) return;
  context_bytes_ -= found->second.bytes;
  contexts_.erase(found);
}

// The request is checked here as a whole: a malformed one would cost the connection to the key
// server, and with it the requests of everybody else.
bool Downstream::handle_crypto(const wire::Frame& frame) {
  std::uint64_t id = frame.header.request_id;
  auto request = wire::parse_crypto(frame.body, limits_);
  if (!request && request.error().code == Code::protocol_violation)
    return end_with(id, std::move(request).error());
  if (!request) return answer_error(id, std::move(request).error());
  // What nobody has answered nobody has seen.
  submit(id, request->header.context, when_repeated(request->header.action) != Repeated::act,
         counts_as_use(request->header.action));
  return true;
}

bool Downstream::handle_lookup(const wire::Frame& frame) {
  std::uint64_t id = frame.header.request_id;
  auto lookup = wire::parse_lookup(frame.body);
  if (!lookup && lookup.error().code == Code::protocol_violation)
    return end_with(id, std::move(lookup).error());
  if (!lookup) return answer_error(id, std::move(lookup).error());
  if (lookup->subject == wire::LookupSubject::agent_stats)
    wire::append_lookup_reply(connection_.output(), id, services_.statistics());
  else
    submit(id, lookup->context, true, false);
  return true;
}

void Downstream::submit(std::uint64_t id, std::uint32_t context, bool is_repeatable,
                        bool is_counted) {
  auto found = contexts_.find(context);
  if (stopping_) {
    answer_error(id, Error(Code::shutting_down, "the agent is shutting down"));
  } else if (found == contexts_.end()) {
    answer_error(
        id, Error(Code::context_unknown, "context " + std::to_string(context) + " is not open"));
  } else {
    ++outstanding_;
    services_.broker.submit(*this, id, assembler_.last_frame_bytes(), found->second.context,
                            is_repeatable, is_counted);
  }
}

bool Downstream::answer_error(std::uint64_t id, Error error) {
  wire::append_error(connection_.output(), id, {std::move(error), 0});
  return true;
}

void Downstream::end_late(Error error) {
  end_with(0, std::move(error));
  connection_.close_after_flush();
}

bool Downstream::end_with(std::uint64_t id, Error error) {
  spdlog::warn("event=client_refused program={} code={} reason={}",
               program_ ? program_->name : "unknown", name(error.code), quoted_text(error.message));
  answer_error(id, std::move(error));
  return false;
}

void Downstream::deliver(std::uint64_t id, ByteView frame) {
  // What could be too long was refused as a request. This is for lookups where the asker reads less
  // than the key server may answer.
  const std::size_t body_bytes = frame.size() - wire::kFrameHeaderBytes;
  const std::size_t most = wire::max_reply_bytes(limits_);
  if (body_bytes > most)
    return refuse(id,
                  Error(Code::frame_too_large, "the answer has " + std::to_string(body_bytes) +
                                                   " bytes; the limit is " + std::to_string(most)));
  Bytes& out = connection_.output();
  std::size_t at = out.size();
  // Not insert(): it would copy byte by byte under this allocator.
  std::memcpy(ByteWriter(out).reserve(frame.size()).data(), frame.data(), frame.size());
  wire::patch_request_id(ByteSpan(out).subspan(at), id);
  settled();
}

void Downstream::refuse(std::uint64_t id, const Error& error) {
  answer_error(id, error);
  settled();
}

void Downstream::settled() {
  --outstanding_;
  services_.order.touch(place_);
  connection_.flush_soon();
  if (!paused_ || !has_room_again()) return;
  paused_ = false;
  connection_.post([this](net::Connection& connection) {
    if (!connection.is_open()) return;
    if (!handle_waiting_frames()) return connection.close_after_flush();
    if (!paused_) connection.resume_reading();
    connection.flush();
  });
}

void Downstream::tell_epoch(std::uint64_t epoch) {
  if (!program_) return;
  wire::append_epoch(connection_.output(), epoch);
  connection_.flush_soon();
}

}  // namespace nae::agent
