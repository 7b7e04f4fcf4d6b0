#include "pg_nae/connection/agent_connection.hpp"

#include <algorithm>
#include <utility>

namespace nae::backend {
namespace {

// What this side would take; the agent agrees on the smaller.
constexpr wire::Limits kOwnLimits{wire::kMaxFrameBytesCeiling, wire::kMaxItemsCeiling};

RoleClaims owned(const RoleClaimsView& view) {
  RoleClaims claims;
  claims.database = view.database;
  claims.effective_role = view.effective_role;
  claims.session_role = view.session_role;
  claims.login_role = view.login_role;
  claims.application_name = view.application_name;
  claims.client_address = view.client_address;
  claims.memberships.assign(view.memberships.begin(), view.memberships.end());
  return claims;
}

// The server's advice when to ask again, in words for the hint.
Error with_advice(wire::ErrorMessage message) {
  Error error = std::move(message.error);
  if (message.retry_after_ms == 0) return error;
  std::string hint(error.hint_or_default());
  if (!hint.empty()) hint += ' ';
  const std::uint64_t seconds = (std::uint64_t{message.retry_after_ms} + 999) / 1000;
  error.hint = hint + "Try again in " + std::to_string(seconds) + " s.";
  return error;
}

}  // namespace

AgentConnection::AgentConnection(std::string path, AgentSocket socket)
    : path_(std::move(path)),
      socket_(std::move(socket)),
      session_("pg_nae " NAE_VERSION, kOwnLimits) {}

AgentConnection* AgentConnection::open(const char* path, Failure& failure) noexcept {
  return guarded<AgentConnection*>(failure, nullptr, [&]() -> Result<AgentConnection*> {
    NAE_ASSIGN(AgentSocket socket, AgentSocket::connect(path));
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): guarded() catches it
    return new AgentConnection(path, std::move(socket));
  });
}

void AgentConnection::enter_exchange() {
  if (in_exchange_) return;
  in_exchange_ = true;
  reply_began_ = false;
  open_id_ = 0;
  asked_.clear();
  unanswered_ = 0;
  refusal_.reset();
  crypto_reply_ = {};
  lookup_reply_ = {};
}

std::uint32_t AgentConnection::begin_open_context(const RoleKey& key, const RoleClaimsView& claims,
                                                  Failure& failure) noexcept {
  return guarded<std::uint32_t>(failure, 0, [&]() -> Result<std::uint32_t> {
    enter_exchange();
    std::uint32_t closed = 0;
    open_number_ = contexts_.add(key, closed);
    if (closed != 0) session_.close_context(closed);
    const ByteView token = as_bytes(claims.user_token);
    open_id_ = session_.open_context(
        {open_number_, owned(claims), Bytes(token.begin(), token.end()), std::nullopt});
    return open_number_;
  });
}

bool AgentConnection::begin_crypto(const wire::CryptoRequest& request, Failure& failure) noexcept {
  return guarded(failure, false, [&]() -> Result<bool> {
    enter_exchange();
    Asked& asked = asked_.emplace_back();
    asked.items = static_cast<std::uint32_t>(request.items.size());
    NAE_ASSIGN(asked.id, session_.crypto(request));
    ++unanswered_;
    return true;
  });
}

bool AgentConnection::begin_lookup(const wire::Lookup& lookup, Failure& failure) noexcept {
  return guarded(failure, false, [&]() -> Result<bool> {
    enter_exchange();
    asked_.push_back({session_.lookup(lookup), 0});
    ++unanswered_;
    return true;
  });
}

void AgentConnection::send_ahead() noexcept {
  Failure ignored;
  guarded(ignored, false, [&]() -> Result<bool> {
    NAE_TRY(write_output());
    return true;
  });
}

Progress AgentConnection::advance(bool readable, Failure& failure) noexcept {
  return guarded(failure, Progress::failed, [&]() -> Result<Progress> {
    NAE_TRY(write_output());
    return read_and_dispatch(readable);
  });
}

Result<void> AgentConnection::write_output() {
  while (!output_lost_ && !session_.output().empty()) {
    auto sent = socket_.send(session_.output());
    if (!sent) {
      output_lost_ = true;
      break;
    }
    if (*sent == 0) break;
    session_.sent(*sent);
  }
  return {};
}

Result<Progress> AgentConnection::read_and_dispatch(bool readable) {
  // A peer that refuses us closes its end; what it said before that is still to be read.
  readable = readable || output_lost_;
  for (;;) {
    NAE_ASSIGN(std::optional<wire::Frame> frame, session_.next_reply());
    if (frame) {
      std::size_t before = unanswered_;
      NAE_TRY(dispatch(*frame));
      leave_exchange_when_answered();
      if (unanswered_ != before || !in_exchange_) return Progress::done;
      continue;
    }
    if (!readable) break;
    NAE_ASSIGN(std::size_t got, socket_.receive(session_.receive_space()));
    if (got == 0) {
      readable = false;
      continue;
    }
    reply_began_ = true;
    session_.received(got);
  }
  NAE_TRY(write_output());  // a pong, if the agent asked
  bool pending = !output_lost_ && !session_.output().empty();
  return pending ? Progress::wants_to_write : Progress::wants_to_read;
}

Result<void> AgentConnection::dispatch(const wire::Frame& frame) {
  std::uint64_t id = frame.header.request_id;
  auto asked = std::find_if(asked_.begin(), asked_.end(),
                            [id](const Asked& one) { return one.id == id && id != 0; });
  if (asked != asked_.end()) {
    answered_ = static_cast<std::size_t>(asked - asked_.begin());
    return accept_answer(frame);
  }
  if (auto error = client::as_error(frame)) {
    // About the context, or about the connection: nothing after it can succeed.
    if (id == open_id_) contexts_.forget(open_number_);
    gave_way_ = id == 0 && error->error.code == Code::shutting_down;
    return fail(std::move(error->error));
  }
  if (frame.header.type != wire::FrameType::context_opened)
    return fail(Code::protocol_violation, "nae-agent answered what was not asked");
  if (id == open_id_) open_id_ = 0;
  return {};
}

void AgentConnection::leave_exchange_when_answered() {
  if (open_id_ == 0 && unanswered_ == 0) in_exchange_ = false;
}

Result<void> AgentConnection::accept_answer(const wire::Frame& frame) {
  asked_[answered_].id = 0;
  --unanswered_;
  refusal_.reset();
  // An answered request says enough about its context: what is still said of it is not waited for.
  open_id_ = 0;
  if (auto error = client::as_error(frame)) {
    refusal_ = with_advice(std::move(*error));
    return {};
  }
  if (frame.header.type == wire::FrameType::crypto_reply) {
    NAE_ASSIGN(crypto_reply_, wire::parse_crypto_reply(frame.body));
    if (crypto_reply_.items.count() != asked_[answered_].items)
      return fail(Code::protocol_violation, "nae-agent answered another number of items");
    return {};
  }
  if (frame.header.type == wire::FrameType::lookup_reply) {
    NAE_ASSIGN(lookup_reply_, wire::parse_lookup_reply(frame.body));
    return {};
  }
  return fail(Code::protocol_violation, "nae-agent answered with another kind of message");
}

void AgentConnection::release_reply() noexcept {
  crypto_reply_ = {};
  Failure ignored;
  guarded(ignored, false, [&]() -> Result<bool> {
    session_.receive_space(0);
    return true;
  });
}

bool AgentConnection::refused(Failure& failure) const noexcept {
  if (refusal_) set_failure(failure, *refusal_);
  return refusal_.has_value();
}

}  // namespace nae::backend
