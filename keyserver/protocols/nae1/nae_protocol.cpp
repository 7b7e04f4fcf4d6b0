#include "keyserver/protocols/nae1/nae_protocol.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "keyserver/operations/asked.hpp"
#include "keyserver/operations/dispatcher.hpp"
#include "keyserver/operations/hsm_round.hpp"
#include "keyserver/protocols/nae1/admission.hpp"
#include "keyserver/protocols/nae1/unanswered.hpp"
#include "libnae/base/clock.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/frame_rules.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"

namespace nae::nae1 {
namespace {

using wire::Frame;
using wire::FrameType;

// Of one batch: a lookup of 21 bytes is answered by a row for each key.
constexpr std::size_t kMaxKeyLookups = 16;

auto* list_of(wire::LookupSubject subject) {
  switch (subject) {
    case wire::LookupSubject::key_ids:
      return operations::usable_key_ids;
    case wire::LookupSubject::objects:
      return operations::usable_objects;
    default:
      return operations::usable_keys;
  }
}

}  // namespace

NaeProtocol::NaeProtocol(net::Connection& connection, const Parts& parts, DeviceSeats::Seat seat)
    : connection_(connection),
      parts_(parts),
      seat_(std::move(seat)),
      assembler_(wire::kMaxFrameBytesBeforeHello),
      reception_(connection, parts.memory->share(connection.peer().name),
                 parts.settings.hello_timeout, [this](const Error& error) { end_with(error); }),
      address_(operations::address_without_port(connection.remote_address())),
      limits_(parts.settings.limits),
      waiting_(parts.settings, parts.memory->share(connection.peer().name)),
      denials_timer_(connection.loop()),
      self_(std::make_shared<NaeProtocol*>(this)) {
  parts_.core.metrics.connections().Increment();
  connection_.set_idle_timeout(parts_.settings.hello_timeout);
  connection_.count_output(parts_.memory->share(connection_.peer().name));
  reception_.progress(true, true, 0);
}

NaeProtocol::~NaeProtocol() {
  parts_.core.metrics.connections().Decrement();
}

bool NaeProtocol::received(std::size_t bytes) {
  assembler_.commit(bytes);
  now_us_ = unix_time_us();
  received_at_ = metrics::Latency::Clock::now();
  return serve_frames();
}

bool NaeProtocol::serve_frames() {
  for (bool fresh = false;; fresh = true) {
    auto frame = assembler_.next();
    if (!frame) return violation(0, std::move(frame).error());
    if (!*frame) {
      reception_.progress(!greeted_ || assembler_.mid_frame(), fresh && greeted_,
                          assembler_.frame_under_way_bytes());
      return true;
    }
    if (!on_frame(**frame)) return false;
  }
}

// Half a frame, or no hello, took too long; or there was no memory for it.
void NaeProtocol::end_with(const Error& error) {
  violation(0, error);
  connection_.close_after_flush();
}

bool NaeProtocol::on_frame(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  if (!admitted()) return refuse_removed(id);
  auto in_place =
      wire::admit(frame, wire::Side::asker, greeted_ ? wire::Phase::greeted : wire::Phase::fresh);
  if (!in_place) return violation(id, std::move(in_place).error());
  switch (frame.header.type) {
    case FrameType::hello:
      return on_hello(frame);
    case FrameType::open_context:
      return on_open_context(frame);
    case FrameType::close_context:
      return on_close_context(frame);
    case FrameType::crypto:
      return on_crypto(frame);
    case FrameType::lookup:
      return on_lookup(frame);
    case FrameType::ping:
      wire::append_empty_frame(connection_.output(), FrameType::pong, id);
      return true;
    default:  // pong
      return true;
  }
}

// A device may be removed while it is connected.
bool NaeProtocol::admitted() {
  const std::uint64_t generation = parts_.devices.generation();
  if (generation == admitted_in_) return true;
  if (!parts_.devices.admits(connection_.peer())) return false;
  admitted_in_ = generation;
  return true;
}

bool NaeProtocol::refuse_removed(std::uint64_t request_id) {
  audit::Record record;
  record.time_us = now_us_;
  record.action = "connect";
  answers_.refuse(request_id, unknown_asker(), record, not_enrolled(connection_.peer().name));
  release_answers();
  spdlog::warn("event=refused reason=certificate-removed peer={} remote={}",
               connection_.peer().name, connection_.remote_address());
  return false;
}

bool NaeProtocol::on_hello(const Frame& frame) {
  auto hello = wire::parse_hello(frame.body);
  if (!hello) return violation(frame.header.request_id, std::move(hello).error());
  // One that follows is behind the one in charge for a moment after each change, and an agent takes
  // two that differ for copies that were changed apart: no state is told, which version 2 must.
  const bool follows = parts_.core.follows;
  const std::uint16_t highest = hello->highest_version >= wire::kVersionWithNodes
                                    ? wire::kVersionWithNodes
                                : follows ? wire::kProtocolVersion
                                          : wire::kVersionWithState;
  auto reply = wire::agree(*hello, parts_.settings.limits, highest);
  if (!reply) return violation(frame.header.request_id, std::move(reply).error());
  reply->software = parts_.core.settings.software;
  reply->server_id = parts_.core.settings.server_id;
  reply->epoch = told_epoch_ = parts_.core.policy.epoch();
  wants_state_ = !follows && reply->version >= wire::kVersionWithState;
  told_state_ = parts_.state->generation();
  if (!follows) reply->state = parts_.state->get();
  wants_nodes_ = reply->version >= wire::kVersionWithNodes;
  told_nodes_ = parts_.nodes->generation();
  reply->nodes = parts_.nodes->get();
  limits_ = reply->limits;
  assembler_.set_max_body_bytes(limits_.max_frame_bytes);
  wire::append_hello_reply(connection_.output(), frame.header.request_id, *reply);
  greeted_ = true;
  reception_.set_time(parts_.settings.frame_timeout);
  connection_.set_idle_timeout(std::chrono::milliseconds(0));
  spdlog::info("event=hello device={} remote={} software={}", connection_.peer().name,
               connection_.remote_address(), quoted_text(hello->software));
  return true;
}

bool NaeProtocol::on_open_context(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  auto open = wire::parse_open_context(frame.body);
  if (!open) return violation(id, std::move(open).error());
  const std::uint32_t number = open->context;
  const RoleClaims session = open->role;
  auto opened = contexts_.open({connection_.peer().name, address_}, std::move(*open),
                               frame.body.size(), parts_.core.policy, now_us_);
  if (!opened) {
    audit::Record record;
    record.time_us = now_us_;
    record.action = "open-context";
    answers_.refuse(
        id, audit::render_context(operations::audit_context(connection_.peer().name, {}, session)),
        record, opened.error());
    return true;
  }
  parts_.core.metrics.contexts_opened().Increment();
  wire::append_context_opened(connection_.output(), id, number);
  return true;
}

bool NaeProtocol::on_close_context(const Frame& frame) {
  auto number = wire::parse_context_number(frame.body);
  if (!number) return violation(frame.header.request_id, std::move(number).error());
  contexts_.close(*number);
  return true;
}

bool NaeProtocol::on_crypto(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  auto view = wire::parse_crypto(frame.body, limits_);
  if (!view) {
    if (view.error().code == Code::protocol_violation)
      return violation(id, std::move(view).error());
    refuse_request(id, wire::parse_crypto_head(frame.body), view.error());
    return true;
  }
  std::shared_ptr<operations::Caller> who = contexts_.find(view->header.context);
  if (!who || stopping_) {
    refuse_request(
        id, wire::CryptoHead{view->header, view->items.count()},
        who ? Error(Code::shutting_down, "the key server is stopping")
            : Error(Code::context_unknown, "the request quotes a context that is not open"));
    return true;
  }
  views_.set(*view);
  operations::Progress progress;
  ReplyFrame reply(answers_.replies(), id, limits_);
  operations::Request request{views_.request(), *who, parts_.core, progress, now_us_, reply};
  auto work = serve(request, answers_.records());
  if (work && !waiting_.may_enter(frame.body.size() + views_.bytes(), !work->makes().empty())) {
    refuse(
        request,
        {Error(Code::overloaded, "too many requests of this connection wait for the HSM"), {}, {}},
        answers_.records());
  } else if (work) {
    auto waiting = std::make_shared<WaitingRequest>();
    waiting->id = id;
    waiting->context = view->header.context;
    waiting->received_at = received_at_;
    waiting->caller = std::move(who);
    waiting->progress = std::move(progress);
    waiting->body.assign(frame.body.begin(), frame.body.end());
    waiting->views = std::exchange(views_, {});
    waiting->views.move_to(frame.body, waiting->body);
    ask_hsm(waiting, std::move(*work));
    return true;
  }
  served_.push_back(view->header.action);
  answers_.held(id);
  return true;
}

audit::ContextFragment NaeProtocol::unknown_asker() const {
  return audit::render_context(operations::audit_context(connection_.peer().name, {}, {}));
}

// Before it was looked at as a request of its context, and recorded all the same.
void NaeProtocol::refuse_request(std::uint64_t id, const std::optional<wire::CryptoHead>& known,
                                 const Error& error) {
  if (!known) {  // of a later time
    audit::Record record;
    record.time_us = now_us_;
    record.action = "frame";
    return answers_.refuse(id, unknown_asker(), record, error);
  }
  const std::shared_ptr<operations::Caller> who = contexts_.find(known->header.context);
  audit::Record record = operations::record_of_refused(request_of(known->header, known->items),
                                                       parts_.core.ring, now_us_);
  answers_.refuse(id, who ? who->fragment() : unknown_asker(), record, error);
}

void NaeProtocol::ask_hsm(const std::shared_ptr<WaitingRequest>& waiting,
                          operations::HsmWork work) {
  waiting_.enter(*waiting);
  // Runs on the HSM's thread, or on the watching one at the deadline.
  std::function<void(Result<operations::Prepared>)> done =
      [waiting, connection = connection_.shared_from_this(), self = std::weak_ptr(self_),
       &parts = parts_](Result<operations::Prepared> prepared) {
        connection->post([waiting, self, &parts,
                          prepared = std::make_shared<Result<operations::Prepared>>(
                              std::move(prepared))](net::Connection& on) {
          if (auto protocol = self.lock())
            (*protocol)->resume(waiting, std::move(*prepared));
          else
            record_unanswered(parts, on.peer(), *waiting);
        });
      };
  operations::ask_hsm(parts_.core, waiting->progress, connection_.peer().name, std::move(work),
                      {waiting, &waiting->views.request()}, std::move(done));
}

void NaeProtocol::resume(const std::shared_ptr<WaitingRequest>& waiting,
                         Result<operations::Prepared> prepared) {
  waiting_.leave(*waiting);
  const operations::CryptoRequest& asked = waiting->views.request();
  if (prepared) waiting->progress.add(std::move(*prepared));
  now_us_ = unix_time_us();
  ReplyFrame reply(answers_.replies(), waiting->id, limits_);
  operations::Request request{asked, *waiting->caller, parts_.core, waiting->progress, now_us_,
                              reply};
  auto give_up = [&](Error error) {
    refuse(request, {std::move(error), {}, {}}, answers_.records());
  };
  if (!admitted()) {
    give_up(Error(Code::device_unknown, "the device's certificate was removed"));
  } else if (contexts_.find(waiting->context) != waiting->caller) {
    give_up(Error(Code::context_unknown, "the context was closed meanwhile"));
  } else if (!prepared) {
    give_up(prepared.error());
  } else if (auto more = serve(request, answers_.records())) {
    if (!waiting->progress.stuck()) return ask_hsm(waiting, std::move(*more));
    give_up(Error(Code::overloaded, "the request keeps waiting for keys"));
  }
  parts_.core.metrics.latency().observe(asked.action,
                                        metrics::Latency::Clock::now() - waiting->received_at);
  answers_.held(waiting->id);
  release_answers();
  connection_.flush_soon();
}

// A table that the other side would not read ends as an error of the request, not of the
// connection.
void NaeProtocol::answer_lookup(std::uint64_t id, const Table& table, audit::Record& record) {
  Bytes& out = answers_.replies();
  const std::size_t start = out.size();
  wire::append_lookup_reply(out, id, table);
  const std::size_t body = out.size() - start - wire::kFrameHeaderBytes;
  if (body <= wire::max_reply_bytes(limits_)) return;
  out.resize(start);
  record.verdict = name(policy::Verdict::deny);
  record.reason = name(Code::frame_too_large);
  wire::append_error(out, id,
                     {Error(Code::frame_too_large,
                            "the answer has " + std::to_string(body) + " bytes; the limit is " +
                                std::to_string(wire::max_reply_bytes(limits_))),
                      0});
}

bool NaeProtocol::on_lookup(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  auto lookup = wire::parse_lookup(frame.body);
  if (!lookup && lookup.error().code == Code::protocol_violation)
    return violation(id, std::move(lookup).error());
  if (!lookup) {
    audit::Record record;
    record.time_us = now_us_;
    record.action = "lookup";
    answers_.refuse(id, unknown_asker(), record, lookup.error());
    return true;
  }
  std::shared_ptr<operations::Caller> who = contexts_.find(lookup->context);
  audit::Record record;
  record.time_us = now_us_;
  if (!who) {
    record.action = "lookup";
    answers_.refuse(id, unknown_asker(), record,
                    Error(Code::context_unknown, "the lookup quotes a context that is not open"));
    return true;
  }
  record.verdict = name(policy::Verdict::value);
  record.reason = policy::reason::kAllowed;
  switch (lookup->subject) {
    case wire::LookupSubject::whoami:
      record.action = "whoami";
      answer_lookup(id, whoami(*who, parts_.core, record.time_us), record);
      break;
    case wire::LookupSubject::keys:
    case wire::LookupSubject::key_ids:
    case wire::LookupSubject::objects:
      record.action = "keys";
      if (auto proven = who->prove_user(parts_.core.policy, record.time_us); !proven) {
        record.verdict = name(policy::Verdict::deny);
        record.reason = name(proven.error().code);
        wire::append_error(answers_.replies(), id, {proven.error(), 0});
        break;
      }
      if (++key_lookups_ <= kMaxKeyLookups) {
        answer_lookup(id, list_of(lookup->subject)(*who, parts_.core, now_us_), record);
        break;
      }
      record.verdict = name(policy::Verdict::deny);
      record.reason = name(Code::overloaded);
      wire::append_error(answers_.replies(), id,
                         {Error(Code::overloaded, "too many lookups of keys at once"), 0});
      break;
    default:
      record.action = "lookup";
      answers_.refuse(id, who->fragment(), record,
                      Error(Code::unsupported, "this lookup is not the key server's to answer"));
      return true;
  }
  answers_.records().add(who->fragment(), record);
  answers_.held(id);
  return true;
}

bool NaeProtocol::batch_received() {
  release_answers();
  assembler_.give_back();
  views_.give_back();
  key_lookups_ = 0;
  changed();
  return true;
}

void NaeProtocol::changed() {
  if (!greeted_) return;
  if (told_epoch_ != parts_.core.policy.epoch()) {
    told_epoch_ = parts_.core.policy.epoch();
    wire::append_epoch(connection_.output(), told_epoch_);
  }
  if (wants_state_ && told_state_ != parts_.state->generation()) {
    told_state_ = parts_.state->generation();
    wire::append_state(connection_.output(), parts_.state->get());
  }
  if (wants_nodes_ && told_nodes_ != parts_.nodes->generation()) {
    told_nodes_ = parts_.nodes->generation();
    wire::append_node_list(connection_.output(), parts_.nodes->get());
  }
}

void NaeProtocol::release_answers() {
  if (std::size_t refused = answers_.release(parts_.audit, connection_.output()))
    parts_.core.metrics.audit_refusals().Increment(static_cast<double>(refused));
  observe_served();
  if (answers_.records().counting() && !denials_timer_runs_) count_denials();
}

// Answers of one read leave together, so that one look at the clock is enough for all.
void NaeProtocol::observe_served() {
  if (served_.empty()) return;
  const auto took = metrics::Latency::Clock::now() - received_at_;
  for (Action action : served_) parts_.core.metrics.latency().observe(action, took);
  served_.clear();
}

// The count of a second is written when it is over, whether or not the peer says anything more.
void NaeProtocol::count_denials() {
  denials_timer_runs_ = true;
  denials_timer_.expires_after(std::chrono::microseconds(audit::kCountingTimeUs));
  denials_timer_.async_wait([this, self = std::weak_ptr(self_)](boost::system::error_code error) {
    if (error || self.expired()) return;
    connection_.post([this](net::Connection&) {
      denials_timer_runs_ = false;
      answers_.write_counts(parts_.audit);
      if (answers_.records().counting()) count_denials();  // the log refused: again in a second
    });
  });
}

// The device's certificate has ended, or its authority counts no more.
void NaeProtocol::dismissed(const Error& reason) {
  release_answers();
  wire::append_error(connection_.output(), 0, {reason, 0});
}

void NaeProtocol::closed(const Error&) {
  reception_.cancel();
  denials_timer_.cancel();
  answers_.write_all_counts(parts_.audit);
}

bool NaeProtocol::violation(std::uint64_t request_id, const Error& error) {
  spdlog::warn("event=protocol-violation device={} remote={} code={} message={}",
               connection_.peer().name, connection_.remote_address(), name(error.code),
               quoted_text(error.message));
  audit::Record record;
  record.time_us = now_us_;
  record.action = "frame";
  answers_.refuse(request_id, unknown_asker(), record, error);
  release_answers();  // what was served before the bad frame is answered first
  return false;
}

}  // namespace nae::nae1
