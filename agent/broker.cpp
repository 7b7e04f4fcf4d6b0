#include "agent/broker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "libnae/base/log_text.hpp"
#include "libnae/wire/error_message.hpp"

namespace nae::agent {
namespace {

using Clock = std::chrono::steady_clock;

// Deadlines are looked at so often: a timer for each request would cost more than the request.
constexpr std::chrono::milliseconds kDeadlineStep{20};
// Requests of one turn share a TLS record while it has room; then the next connection is taken.
constexpr std::size_t kRecordBytes = 16u << 10;
// Nobody is in charge: between questions whether somebody is.
constexpr std::chrono::milliseconds kUntilSomebodyIsInCharge{250};
// A server that died takes all its connections along, and the agent learns of them one by one.
constexpr std::chrono::milliseconds kTimeToLearnOfOthers{50};

std::size_t load_of(const Upstream& upstream) {
  return upstream.outstanding_bytes() / kRecordBytes;
}

// Refusals that speak of one server's trouble: nothing was done, and another server may well do it.
bool is_failure_of_the_server(Code code) {
  switch (code) {
    case Code::hsm_unavailable:
    case Code::hsm_token_missing:
    case Code::hsm_failed:
    case Code::store_unavailable:
    case Code::audit_unavailable:
      return true;
    default:
      return false;
  }
}

}  // namespace

Broker::Broker(boost::asio::io_context& loop, const BrokerLimits& limits)
    : loop_(loop),
      limits_(limits),
      deadline_timer_(loop),
      discovery_timer_(loop),
      group_timer_(loop) {}

void Broker::use(std::vector<UpstreamSettings> upstreams, bool discover) {
  for (auto& old : upstreams_) old->retire(upstreams.front().tls);
  if (!upstreams.empty() && upstreams_.empty()) agreed_.limits = upstreams.front().limits;
  configured_ = std::move(upstreams);
  std::vector<std::string> servers;
  for (const UpstreamSettings& settings : configured_)
    servers.push_back(net::to_string(settings.endpoint));
  discovery_.configure(servers, discover);
  name_servers();
  std::size_t first_new = upstreams_.size();
  for (const UpstreamSettings& settings : configured_)
    upstreams_.push_back(std::make_unique<Upstream>(loop_, settings, *this));
  for (std::size_t i = first_new; i < upstreams_.size(); ++i) upstreams_[i]->start();
  update_discovered();
}

void Broker::remove(Asker& asker) {
  askers_.erase(&asker);
  for (auto it = requests_.begin(); it != requests_.end();) {
    auto current = it++;
    if (current->second.asker != &asker) continue;
    current->second.asker = nullptr;
    if (current->second.upstream == nullptr) erase(current);
  }
}

void Broker::submit(Asker& asker, std::uint64_t id, ByteView frame, const ContextPtr& context,
                    bool repeatable, bool counted) {
  ++counters_.requests;
  if (buffered_bytes_ + frame.size() > limits_.max_buffered_bytes)
    return refuse_soon(
        asker, id,
        Error(Code::overloaded, "the agent holds " + std::to_string(buffered_bytes_) +
                                    " bytes of unanswered requests"));
  std::uint64_t number = next_number_++;
  Request& request = requests_[number];
  request.asker = &asker;
  request.id = id;
  request.frame.assign(frame.begin(), frame.end());
  request.context = context;
  request.repeatable = repeatable;
  request.counted = counted;
  TimePoint now = Clock::now();
  request.deadline = now + limits_.request_timeout;
  request.unavailable_at = now + limits_.unavailable_wait;
  buffered_bytes_ += frame.size();
  askers_.at(&asker) += frame.size();
  watch_deadlines();
  dispatch(number, request);
}

std::uint64_t Broker::buffered_bytes(const Asker& asker) const {
  auto found = askers_.find(const_cast<Asker*>(&asker));
  return found == askers_.end() ? 0 : found->second;
}

// One client must not take everything, but what it may send in one frame must fit.
std::uint64_t Broker::share_of_an_asker() const {
  return std::max<std::uint64_t>(limits_.max_buffered_bytes / 4,
                                 wire::kFrameHeaderBytes + agreed_.limits.max_frame_bytes);
}

void Broker::dispatch(std::uint64_t number, Request& request) {
  Upstream* upstream = choose(nullptr, &request);
  if (upstream == nullptr) return wait_for_upstream(number, request);
  send(number, request, *upstream);
}

void Broker::send(std::uint64_t number, Request& request, Upstream& upstream) {
  auto sent = upstream.send(number, request.frame, request.context);
  if (!sent) {
    // One that follows takes no long user token: docs/spec/wire.md, version 1.
    note_refusal(request, upstream.server());
    if (sent.error().code == Code::user_token_rejected)
      if (Upstream* other = choose(nullptr, &request)) return send(number, request, *other);
    if (request.asker != nullptr) refuse_soon(*request.asker, request.id, std::move(sent).error());
    return erase(requests_.find(number));
  }
  request.sent = *std::move(sent);
  request.upstream = &upstream;
  ++request.times_sent;
}

Broker::Refusals& Broker::note_refusal(Request& request, const std::string& server) {
  if (request.refusals == nullptr) request.refusals = std::make_unique<Refusals>();
  request.refusals->servers.push_back(server);
  return *request.refusals;
}

// The least loaded connection, and the same one for what comes in this turn of the event loop, so
// that it leaves in one write. Load counts in records: the further connections of a server are for
// what does not fit into one, since two that share little work only wake two threads there.
// `avoided`: its server is not asked. One that refuses or is silent is asked when no other is left.
Upstream* Broker::choose(const Upstream* avoided, const Request* request) {
  auto has_refused = [&](const Upstream& upstream) {
    return request != nullptr && request->refusals != nullptr &&
           std::ranges::find(request->refusals->servers, upstream.server()) !=
               request->refusals->servers.end();
  };
  auto may_serve = [&](const Upstream& upstream) {
    return upstream.ready() && !has_refused(upstream) &&
           (avoided == nullptr || upstream.server() != avoided->server());
  };
  const TimePoint now = Clock::now();
  auto follows = [&](const Upstream& upstream) {
    return request != nullptr && request->counted && followers_.contains(upstream.server(), now);
  };
  if (this_turns_ != nullptr && may_serve(*this_turns_) && !follows(*this_turns_) &&
      load_of(*this_turns_) == 0)
    return this_turns_;
  const auto serves_well = [&](const Upstream& upstream) {
    return may_serve(upstream) && upstream.silent_for(now) < kSilent && !follows(upstream) &&
           !avoided_.contains(upstream.server(), now);
  };
  Upstream* best = least_loaded(std::cref(serves_well));  // by reference: nothing is allocated
  if (best == nullptr) best = least_loaded(std::cref(may_serve));
  if (this_turns_ == nullptr && best != nullptr)
    boost::asio::post(loop_, [this] { this_turns_ = nullptr; });
  return this_turns_ = best;
}

Upstream* Broker::least_loaded(const std::function<bool(const Upstream&)>& may_serve) {
  Upstream* best = nullptr;
  auto better = [&](const Upstream& candidate) {
    if (best == nullptr || candidate.retired() != best->retired())
      return best == nullptr || best->retired();
    return load_of(candidate) < load_of(*best);
  };
  // Servers take turns; the first connections of all of them come before the second ones.
  std::size_t first = servers_ == 0 ? 0 : ++first_choice_ % servers_;
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    Upstream& candidate = *upstreams_[(first + i) % upstreams_.size()];
    if (may_serve(candidate) && better(candidate)) best = &candidate;
  }
  return best;
}

void Broker::wait_for_upstream(std::uint64_t number, Request& request) {
  request.upstream = nullptr;
  waiting_.insert(number);
}

void Broker::refuse_soon(Asker& asker, std::uint64_t id, Error error) {
  ++counters_.refused;
  boost::asio::post(loop_, [this, &asker, id, error = std::move(error)] {
    if (askers_.contains(&asker)) asker.refuse(id, error);
  });
}

void Broker::refuse(Requests::iterator found, const Error& error) {
  ++counters_.refused;
  Asker* asker = let_go(found->second);
  std::uint64_t id = found->second.id;
  if (found->second.upstream == nullptr) erase(found);
  if (asker != nullptr) asker->refuse(id, error);
}

void Broker::detach(Request& request) {
  if (request.upstream == nullptr) return;
  request.upstream->settled(*request.sent, request.frame.size());
  request.upstream = nullptr;
  request.sent.reset();
}

Asker* Broker::let_go(Request& request) {
  Asker* asker = std::exchange(request.asker, nullptr);
  if (auto found = askers_.find(asker); found != askers_.end())
    found->second -= request.frame.size();
  return asker;
}

void Broker::erase(Requests::iterator found) {
  let_go(found->second);
  detach(found->second);
  waiting_.erase(found->first);
  buffered_bytes_ -= found->second.frame.size();
  requests_.erase(found);
}

void Broker::upstream_replied(Upstream& upstream, const wire::Frame& frame, ByteView bytes) {
  auto found = requests_.find(frame.header.request_id);
  // Of a request that was moved meanwhile, or whose asker was told that it took too long.
  if (found == requests_.end() || found->second.upstream != &upstream) {
    spdlog::debug("event=stray_reply server={}", upstream.server());
    return;
  }
  Request& request = found->second;
  if (frame.header.type == wire::FrameType::error && send_again(found, frame)) return;
  Asker* asker = request.asker;
  std::uint64_t id = request.id;
  // A request on a context that the server refused fails with the reason of that refusal.
  std::optional<Error> refusal = request.sent->refused;
  bool is_error = frame.header.type == wire::FrameType::error;
  erase(found);
  if (upstream.retired() && upstream.outstanding() == 0)
    boost::asio::post(loop_, [this] { sweep_retired(); });
  if (asker == nullptr) return;
  if (is_error && refusal) {
    ++counters_.refused;
    return asker->refuse(id, *refusal);
  }
  ++counters_.delivered;
  asker->deliver(id, bytes);
}

// Errors that say that nothing was done: the server does not know the context any more, or is about
// to stop. The request is sent once more, whatever it is.
bool Broker::send_again(Requests::iterator found, const wire::Frame& frame) {
  Request& request = found->second;
  Upstream& upstream = *request.upstream;
  auto message = wire::parse_error(frame.body);
  if (message && is_failure_of_the_server(message->error.code))
    return try_elsewhere(found, message->error);
  if (message && message->error.code == Code::server_unavailable)
    return ask_the_one_in_charge(found, message->error);
  if (!message || request.asker == nullptr || request.times_sent >= kMostSends) return false;
  if (message->error.code == Code::context_unknown && !request.sent->refused) {
    upstream.forget_context(*request.sent);
    detach(request);
    dispatch(found->first, request);
  } else if (message->error.code == Code::shutting_down) {
    upstream.avoid();
    if (this_turns_ == &upstream) this_turns_ = nullptr;
    detach(request);
    repeat(found->first, request, upstream);  // its other connections lead to the same stop
  } else {
    return false;
  }
  ++counters_.retried;
  return true;
}

// On another server, once; the one that refused is left alone for a while.
bool Broker::try_elsewhere(Requests::iterator found, const Error& refusal) {
  Request& request = found->second;
  const Upstream& upstream = *request.upstream;
  if (servers_ > 1 && avoided_.avoid(upstream.server(), Clock::now()))
    spdlog::warn("event=server_avoided server={} code={} reason={}", upstream.server(),
                 name(refusal.code), quoted_text(refusal.message));
  this_turns_ = nullptr;
  if (request.asker == nullptr || request.times_sent >= kMostSends) return false;
  Upstream* other = choose(&upstream, &request);
  if (other == nullptr) return false;
  detach(request);
  send(found->first, request, *other);
  ++counters_.retried;
  return true;
}

// Of a key server that follows: nothing was done, so this is no time that the request was sent.
// When nobody is in charge the request waits, as one does for which no server is there.
bool Broker::ask_the_one_in_charge(Requests::iterator found, const Error& refusal) {
  Request& request = found->second;
  if (request.asker == nullptr || servers_ < 2) return false;
  const std::string& follower = request.upstream->server();
  const TimePoint now = Clock::now();
  if (request.counted) followers_.avoid(follower, now);
  this_turns_ = nullptr;
  note_refusal(request, follower).last = refusal;
  --request.times_sent;
  detach(request);
  ++counters_.retried;
  if (Upstream* other = choose(nullptr, &request)) {
    send(found->first, request, *other);
    return true;
  }
  request.refusals->servers.clear();
  request.retry_at = now + kUntilSomebodyIsInCharge;
  wait_for_upstream(found->first, request);
  return true;
}

void Broker::upstream_ready(Upstream& upstream) {
  agreed_ = upstream.agreed();
  upstream_epoch(agreed_.epoch);
  boost::asio::post(loop_, [this] { sweep_retired(); });
  // Not on another connection that looks ready: see repeat().
  std::set<std::uint64_t> waiting = std::exchange(waiting_, {});
  for (std::uint64_t number : waiting) send(number, requests_.at(number), upstream);
  watch_silence(Clock::now());
}

void Broker::upstream_lost(Upstream& upstream, const Error& reason) {
  if (this_turns_ == &upstream) this_turns_ = nullptr;
  const bool connected = std::any_of(upstreams_.begin(), upstreams_.end(), [&](const auto& other) {
    return other->server() == upstream.server() && other->ready() && !other->retired();
  });
  if (!connected) {
    group_.left(upstream.server());
    alarm_of_discovered(upstream, reason);
    update_discovered_soon();
  }
  std::set<std::uint64_t> lost;
  for (const auto& [number, request] : requests_)
    if (request.upstream == &upstream) lost.insert(number);
  for (std::uint64_t number : lost) {
    auto found = requests_.find(number);
    Request& request = found->second;
    detach(request);
    if (request.asker == nullptr) {
      erase(found);
    } else if (request.repeatable && request.times_sent < kMostSends) {
      ++counters_.retried;
      repeat(number, request, upstream);
    } else {
      refuse(found,
             Error(Code::connection_lost,
                   "the key server's connection ended before its answer: " + reason.message));
    }
  }
  if (upstream.retired()) boost::asio::post(loop_, [this] { sweep_retired(); });
}

// A request that a server lost or gave back: another server is asked at once. Another connection to
// the same one may be as dead without being known to be, and a second loss is final: it gets time
// to show, unless the server is reached anew.
void Broker::repeat(std::uint64_t number, Request& request, const Upstream& lost) {
  request.retry_at = Clock::now() + kTimeToLearnOfOthers;
  request.unavailable_at = request.retry_at + limits_.unavailable_wait;
  if (Upstream* other = choose(&lost, &request)) return send(number, request, *other);
  wait_for_upstream(number, request);
}

void Broker::repeat_due(TimePoint now) {
  std::set<std::uint64_t> due;
  for (std::uint64_t number : waiting_)
    if (requests_.at(number).retry_at <= now) due.insert(number);
  for (std::uint64_t number : due) {
    waiting_.erase(number);
    dispatch(number, requests_.at(number));
  }
}

void Broker::upstream_epoch(std::uint64_t epoch) {
  if (std::exchange(told_epoch_, epoch) == epoch) return;
  agreed_.epoch = epoch;
  for (const auto& [asker, bytes] : askers_) asker->tell_epoch(epoch);
}

void Broker::watch_deadlines() {
  if (std::exchange(deadlines_watched_, true)) return;
  deadline_timer_.expires_after(kDeadlineStep);
  deadline_timer_.async_wait([this](const boost::system::error_code& error) {
    deadlines_watched_ = false;
    if (!error) check_deadlines();
  });
}

void Broker::check_deadlines() {
  TimePoint now = Clock::now();
  repeat_due(now);
  std::set<std::uint64_t> overdue;
  for (const auto& [number, request] : requests_) {
    bool unavailable = request.upstream == nullptr && request.unavailable_at <= now;
    if (request.asker != nullptr && (request.deadline <= now || unavailable))
      overdue.insert(number);
  }
  for (std::uint64_t number : overdue) {
    auto found = requests_.find(number);
    if (found->second.upstream == nullptr) {
      const auto& refusals = found->second.refusals;
      refuse(found, refusals && refusals->last ? *refusals->last : unavailable());
      continue;
    }
    ++counters_.timeouts;
    refuse(found,
           Error(Code::timeout, found->second.upstream->server() + " did not answer within " +
                                    std::to_string(limits_.request_timeout.count()) + " ms"));
  }
  hurry_upstreams(now);
  watch_silence(now);
  if (!requests_.empty()) watch_deadlines();
}

}  // namespace nae::agent
