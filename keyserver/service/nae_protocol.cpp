#include "keyserver/service/nae_protocol.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

#include "keyserver/service/dispatcher.hpp"
#include "keyserver/service/lookup.hpp"
#include "libnae/wire/context.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/hello.hpp"

namespace nae::service {
namespace {

using wire::Frame;
using wire::FrameType;

// A request that needs the HSM again and again is not making progress: its keys are evicted or
// rotated faster than it is served.
constexpr int kMaxHsmRounds = 8;
// Of one batch: a lookup of 21 bytes is answered by a row for each key.
constexpr std::size_t kMaxKeyLookups = 16;
// Of the contexts of one connection together.
constexpr std::size_t kMaxContextBytes = 64u << 20;

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

void merge(Prepared& into, Prepared&& from) {
  auto append = [](auto& a, auto& b) {
    a.insert(a.end(), std::make_move_iterator(b.begin()), std::make_move_iterator(b.end()));
  };
  append(into.gcm, from.gcm);
  append(into.siv_readers, from.siv_readers);
  append(into.leases, from.leases);
  append(into.results, from.results);
  if (from.siv) into.siv = std::move(from.siv);
  if (from.mac) into.mac = std::move(from.mac);
}

// Views of `role` and `device`.
audit::Context claimed_by(std::string_view device, const wire::RoleClaims& role) {
  audit::Context context;
  context.device = device;
  context.database = role.database;
  context.role = role.effective_role;
  context.session_role = role.session_role;
  context.login_role = role.login_role;
  context.client_address = role.client_address;
  context.application_name = role.application_name;
  return context;
}

}  // namespace

NaeProtocol::NaeProtocol(net::Connection& connection, const Parts& parts)
    : connection_(connection),
      parts_(parts),
      assembler_(wire::kMaxFrameBytesBeforeHello),
      limits_(parts.settings.limits),
      self_(std::make_shared<NaeProtocol*>(this)) {
  parts_.metrics.connections().Increment();
  connection_.set_idle_timeout(parts_.settings.hello_timeout);
}

NaeProtocol::~NaeProtocol() {
  parts_.metrics.connections().Decrement();
}

bool NaeProtocol::received(std::size_t bytes) {
  assembler_.commit(bytes);
  for (;;) {
    auto frame = assembler_.next();
    if (!frame) return violation(0, std::move(frame).error());
    if (!*frame) return true;
    if (!on_frame(**frame)) return false;
  }
}

bool NaeProtocol::on_frame(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  if (!admitted()) return refuse_removed(id);
  if (!greeted_) {
    if (frame.header.type != FrameType::hello)
      return violation(id, Error(Code::protocol_violation, "the first frame is not a hello"));
    return on_hello(frame);
  }
  switch (frame.header.type) {
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
    case FrameType::pong:
      return true;
    default:
      return violation(id, Error(Code::protocol_violation, "a frame that only servers send"));
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
  audit::Context context;
  context.device = connection_.peer().name;
  audit::Record record;
  record.action = "connect";
  refuse_stranger(request_id, context, record,
                  Error(Code::device_unknown, "the certificate of device \"" +
                                                  connection_.peer().name + "\" was removed"));
  commit();
  spdlog::warn("event=refused reason=certificate-removed peer={} remote={}",
               connection_.peer().name, connection_.remote_address());
  return false;
}

bool NaeProtocol::on_hello(const Frame& frame) {
  auto hello = wire::parse_hello(frame.body);
  if (!hello) return violation(frame.header.request_id, std::move(hello).error());
  auto reply = wire::agree(*hello, parts_.settings.limits);
  if (!reply) return violation(frame.header.request_id, std::move(reply).error());
  reply->software = parts_.settings.software;
  reply->server_id = parts_.settings.server_id;
  reply->epoch = told_epoch_ = parts_.policy.epoch();
  limits_ = reply->limits;
  assembler_.set_max_body_bytes(limits_.max_frame_bytes);
  wire::append_hello_reply(connection_.output(), frame.header.request_id, *reply);
  greeted_ = true;
  connection_.set_idle_timeout(std::chrono::milliseconds(0));
  spdlog::info("event=hello device={} remote={} software=\"{}\"", connection_.peer().name,
               connection_.remote_address(), hello->software);
  return true;
}

bool NaeProtocol::on_open_context(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  auto open = wire::parse_open_context(frame.body);
  if (!open) return violation(id, std::move(open).error());
  const std::uint32_t number = open->context;
  close_context(number);  // a number that is given anew means the new one, or none
  if (!open->program) {
    audit::Record record;
    record.action = "open-context";
    refuse_stranger(id, claimed_by(connection_.peer().name, open->role), record,
                    Error(Code::program_unknown, "the context does not say which program asks"));
    return true;
  }
  if (callers_.size() >= wire::kMaxContexts ||
      context_bytes_ + frame.body.size() > kMaxContextBytes) {
    answer_error(id, Error(Code::overloaded, "too many open contexts on one connection"));
    return true;
  }
  context_bytes_ += frame.body.size();
  callers_[number] = {std::make_shared<Caller>(connection_.peer().name, std::move(*open)),
                      frame.body.size()};
  parts_.metrics.contexts_opened().Increment();
  wire::append_context_opened(connection_.output(), id, number);
  return true;
}

bool NaeProtocol::on_close_context(const Frame& frame) {
  auto number = wire::parse_context_number(frame.body);
  if (!number) return violation(frame.header.request_id, std::move(number).error());
  close_context(*number);
  return true;
}

void NaeProtocol::close_context(std::uint32_t number) {
  auto found = callers_.find(number);
  if (found == callers_.end()) return;
  context_bytes_ -= found->second.bytes;
  callers_.erase(found);
}

std::shared_ptr<Caller> NaeProtocol::caller(std::uint32_t context) const {
  auto found = callers_.find(context);
  return found == callers_.end() ? nullptr : found->second.caller;
}

bool NaeProtocol::on_crypto(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  auto view = wire::parse_crypto(frame.body, limits_);
  if (!view) {
    if (view.error().code == Code::protocol_violation)
      return violation(id, std::move(view).error());
    answer_error(id, std::move(view).error());
    return true;
  }
  std::shared_ptr<Caller> who = caller(view->header.context);
  if (!who) {
    audit::Record record;
    record.action = name(view->header.action);
    record.key = view->header.key;
    record.items = record.failed_items = view->items.count();
    record.query_id = view->header.query_id;
    refuse_stranger(id, claimed_by(connection_.peer().name, {}), record,
                    Error(Code::context_unknown, "the request quotes a context that is not open"));
    return true;
  }
  if (stopping_) {
    answer_error(id, Error(Code::shutting_down, "the key server is stopping"));
    return true;
  }
  Prepared nothing;
  Request request{id, *view, *who, parts_, nothing, limits_, replies_};
  auto work = serve(request, records_, now_us());
  if (work && !may_wait(frame.body.size())) {
    refuse(
        request,
        {Error(Code::overloaded, "too many requests of this connection wait for the HSM"), {}, {}},
        records_, now_us());
    work.reset();
  } else if (work) {
    auto waiting = std::make_shared<Waiting>();
    waiting->id = id;
    waiting->caller = std::move(who);
    waiting->body.assign(frame.body.begin(), frame.body.end());
    ask_hsm(std::move(waiting), std::move(*work));
    return true;
  }
  recorded_ids_.push_back(id);
  return true;
}

// A request is always let in alone.
bool NaeProtocol::may_wait(std::size_t body_bytes) const {
  const Settings& settings = parts_.settings;
  return waiting_ == 0 || (waiting_ < settings.max_waiting &&
                           waiting_bytes_ + body_bytes <= settings.max_waiting_bytes);
}

void NaeProtocol::ask_hsm(std::shared_ptr<Waiting> waiting, HsmWork work) {
  ++waiting_;
  waiting_bytes_ += waiting->body.size();
  ++waiting->rounds;
  parts_.metrics.hsm_requests().Increment();
  auto on_hsm = [waiting, work = std::move(work),
                 limits = limits_](keys::Hsm& hsm) -> Result<Prepared> {
    NAE_ASSIGN(auto view, wire::parse_crypto(waiting->body, limits));
    return work(hsm, view);
  };
  // Runs on the HSM's thread, or on the watching one at the deadline.
  auto done = [waiting, connection = connection_.shared_from_this(),
               self = std::weak_ptr(self_)](Result<Prepared> prepared) mutable {
    connection->post(
        [waiting, self,
         prepared = std::make_shared<Result<Prepared>>(std::move(prepared))](net::Connection&) {
          if (auto protocol = self.lock()) (*protocol)->resume(waiting, std::move(*prepared));
        });
  };
  parts_.hsm.ask<Prepared>(std::move(on_hsm), std::move(done), parts_.settings.hsm_timeout);
}

void NaeProtocol::resume(const std::shared_ptr<Waiting>& waiting, Result<Prepared> prepared) {
  --waiting_;
  waiting_bytes_ -= waiting->body.size();
  auto view = wire::parse_crypto(waiting->body, limits_);
  if (!view) return;  // cannot be: the same bytes parsed before
  if (prepared && !prepared->results.empty()) waiting->rounds = 0;  // that is progress
  if (prepared) merge(waiting->prepared, std::move(*prepared));
  Request request{waiting->id,       *view,   *waiting->caller, parts_,
                  waiting->prepared, limits_, replies_};
  std::optional<HsmWork> more;
  if (caller(view->header.context) != waiting->caller)
    refuse(request, {Error(Code::context_unknown, "the context was closed meanwhile"), {}, {}},
           records_, now_us());
  else if (!prepared)
    refuse(request, {prepared.error(), {}, {}}, records_, now_us());
  else
    more = serve(request, records_, now_us());
  if (more && waiting->rounds >= kMaxHsmRounds) {
    more.reset();
    refuse(request, {Error(Code::overloaded, "the request keeps waiting for keys"), {}, {}},
           records_, now_us());
  }
  if (more) {
    ask_hsm(waiting, std::move(*more));
    return;
  }
  recorded_ids_.push_back(waiting->id);
  commit();
  connection_.flush_soon();
}

bool NaeProtocol::on_lookup(const Frame& frame) {
  const std::uint64_t id = frame.header.request_id;
  auto lookup = wire::parse_lookup(frame.body);
  if (!lookup) return violation(id, std::move(lookup).error());
  std::shared_ptr<Caller> who = caller(lookup->context);
  if (!who) {
    answer_error(id, Error(Code::context_unknown, "the lookup quotes a context that is not open"));
    return true;
  }
  audit::Record record;
  record.time_us = now_us();
  record.verdict = name(policy::Verdict::value);
  record.reason = policy::reason::kAllowed;
  switch (lookup->subject) {
    case wire::LookupSubject::whoami:
      wire::append_lookup_reply(replies_, id, whoami(*who, parts_));
      record.action = "whoami";
      break;
    case wire::LookupSubject::keys:
      record.action = "keys";
      if (++key_lookups_ <= kMaxKeyLookups) {
        wire::append_lookup_reply(replies_, id, usable_keys(*who, parts_));
        break;
      }
      record.verdict = name(policy::Verdict::deny);
      record.reason = name(Code::overloaded);
      wire::append_error(replies_, id,
                         {Error(Code::overloaded, "too many lookups of keys at once"), 0});
      break;
    default:
      answer_error(id, Error(Code::unsupported, "this lookup is not the key server's to answer"));
      return true;
  }
  records_.add(who->fragment(), record);
  recorded_ids_.push_back(id);
  return true;
}

bool NaeProtocol::batch_received() {
  commit();
  key_lookups_ = 0;
  if (greeted_ && told_epoch_ != parts_.policy.epoch()) {
    told_epoch_ = parts_.policy.epoch();
    wire::append_epoch(connection_.output(), told_epoch_);
  }
  return true;
}

void NaeProtocol::commit() {
  if (records_.empty()) return;
  Bytes& out = connection_.output();
  if (auto written = parts_.audit.append(records_); !written) {
    parts_.metrics.audit_refusals().Increment(static_cast<double>(recorded_ids_.size()));
    for (std::uint64_t id : recorded_ids_) wire::append_error(out, id, {written.error(), 1000});
    replies_.clear();
  } else if (out.empty()) {
    out.swap(replies_);
  } else {
    out.insert(out.end(), replies_.begin(), replies_.end());
  }
  replies_.clear();
  records_.clear();
  recorded_ids_.clear();
}

void NaeProtocol::answer_error(std::uint64_t request_id, Error error) {
  wire::append_error(connection_.output(), request_id, {std::move(error), 0});
}

void NaeProtocol::refuse_stranger(std::uint64_t request_id, const audit::Context& context,
                                  audit::Record record, Error error) {
  record.time_us = now_us();
  record.verdict = name(policy::Verdict::deny);
  record.reason = name(error.code);
  records_.add(audit::render_context(context), record);
  recorded_ids_.push_back(request_id);
  wire::append_error(replies_, request_id, {std::move(error), 0});
}

bool NaeProtocol::violation(std::uint64_t request_id, Error error) {
  spdlog::warn("event=protocol-violation device={} remote={} code={} message=\"{}\"",
               connection_.peer().name, connection_.remote_address(), name(error.code),
               error.message);
  commit();  // what was served before the bad frame is still answered
  answer_error(request_id, std::move(error));
  return false;
}

net::ProtocolFactory protocol_for(const Parts& parts) {
  return [&parts](net::Connection& connection) -> std::unique_ptr<net::Protocol> {
    if (connection.peer().kind != net::PeerKind::device) {
      spdlog::warn("event=refused reason=not-a-device peer={} remote={}", connection.peer().name,
                   connection.remote_address());
      return nullptr;
    }
    if (!parts.devices.admits(connection.peer())) {
      spdlog::warn("event=refused reason=certificate-not-enrolled peer={} serial={} remote={}",
                   connection.peer().name, connection.peer().serial_hex,
                   connection.remote_address());
      return nullptr;
    }
    return std::make_unique<NaeProtocol>(connection, parts);
  };
}

}  // namespace nae::service
