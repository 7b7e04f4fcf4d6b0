// Which of its servers the broker uses: not one that is another than the first, and not one that
// has fallen silent.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "agent/broker.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::agent {
namespace {

using Clock = std::chrono::steady_clock;

// Between attempts to reach a server while requests wait for one.
constexpr std::chrono::milliseconds kAttemptInterval{100};
// A server that owes an answer is asked for a sign of life, then taken for silent, then given up
// where another one answers. Silence may end: a disk that stalls, a machine that pauses.
constexpr std::chrono::milliseconds kAskForLife{250};
constexpr std::chrono::milliseconds kGiveUp{5'000};
// What took a connection may have taken one that was being opened as well: it says nothing of the
// server, and another is tried beside it.
constexpr int kMostBeingOpened = 3;

}  // namespace

Result<void> Broker::upstream_greeted(Upstream& upstream, const wire::HelloReply& reply) {
  // It is replaced, and serves until what replaces it is ready. What waits is sent to whoever has
  // greeted: not to one that was dropped meanwhile.
  if (upstream.retired() && is_used(upstream.server())) return {};
  if (upstream.retired()) return fail(Code::server_unavailable, "the server is used no more");
  auto admitted = group_.admit(upstream.server(), reply.server_id, reply.state, Clock::now());
  if (!admitted) {
    alarm_of_difference(upstream.server(), admitted.error());
    return admitted;
  }
  // It may have told that others, admitted before, are of another store or state than the first.
  give_up_different();
  told_refusals_.erase(upstream.server());
  upstream_nodes(upstream, reply.nodes);
  return {};
}

void Broker::upstream_nodes(Upstream& upstream, const wire::NodeList& nodes) {
  if (upstream.retired()) return;
  discovery_.tell(upstream.server(), nodes);
  update_discovered_soon();
}

void Broker::upstream_state(Upstream& upstream, const wire::StateDigest& state) {
  if (upstream.retired()) return;
  group_.tell(upstream.server(), state, Clock::now());
  give_up_different();
}

void Broker::give_up_different() {
  const TimePoint now = Clock::now();
  for (const auto& upstream : upstreams_) {
    auto stays = group_.check(upstream->server(), now);
    if (stays)
      told_differences_.erase(upstream->server());
    else if (!upstream->retired() && upstream->ready()) {
      alarm_of_difference(upstream->server(), stays.error());
      upstream->give_up(stays.error());
    }
  }
  const auto next = group_.next_change(now);
  if (!next) return;
  group_timer_.expires_at(*next);
  group_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) give_up_different();
  });
}

// Once for each difference, not at every attempt to reach the server.
void Broker::alarm_of_difference(const std::string& server, const Error& difference) {
  if (std::exchange(told_differences_[server], difference.message) == difference.message) return;
  spdlog::error("event=servers-differ server={} reason={} hint={}", server,
                quoted_text(difference.message), quoted_text(difference.hint));
}

void Broker::hurry_upstreams(TimePoint now) {
  if (waiting_.empty()) return;
  std::map<std::string, TimePoint> attempts;
  for (const auto& upstream : upstreams_) {
    TimePoint& last = attempts[upstream->server()];
    last = std::max(last, upstream->attempted_at());
  }
  for (const auto& upstream : upstreams_) {
    TimePoint& last = attempts[upstream->server()];
    if (!upstream->waiting() || last + kAttemptInterval > now) continue;
    last = now;
    upstream->hurry();
  }
}

void Broker::watch_silence(TimePoint now) {
  // By index: a connection may be added.
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    Upstream& upstream = *upstreams_[i];
    const auto silent = upstream.silent_for(now);
    if (silent < kAskForLife) continue;
    // All of them: where requests go then must be known to live.
    for (const auto& each : upstreams_) each->ping(now);
    if (silent < kSilent) continue;
    const bool another_lives = move_requests(upstream, now);
    if (!another_lives) open_another_connection(upstream, now);
    if (another_lives && silent >= kGiveUp)
      upstream.give_up(Error(Code::timeout, "the server does not answer"));
  }
}

// Those that may be executed twice; the others wait for the silence to end, or the connection.
// False when no connection is known to live: all are asked for a sign of life all the time, so one
// that lives was heard just now. Whatever took this one may have taken them as well, a moment later
// and not yet silent for long enough, and a request is not moved a second time.
bool Broker::move_requests(Upstream& silent, TimePoint now) {
  Upstream* other = least_loaded([&](const Upstream& upstream) {
    return upstream.ready() && upstream.heard_since(now - kAskForLife);
  });
  if (other == nullptr) return false;
  if (this_turns_ == &silent) this_turns_ = nullptr;
  std::set<std::uint64_t> movable;
  for (const auto& [number, request] : requests_)
    if (request.upstream == &silent && request.asker != nullptr && request.repeatable &&
        request.times_sent < kMostSends)
      movable.insert(number);
  if (!movable.empty())
    spdlog::warn("event=server_silent server={} requests={} to={}", silent.server(), movable.size(),
                 other->server());
  for (std::uint64_t number : movable) {
    Request& request = requests_.at(number);
    detach(request);
    send(number, request, *other);
    ++counters_.retried;
  }
  return true;
}

// Is it the server that is silent, or did the way to it forget the connection? A new one tells, and
// carries what waits. It goes when the old one is itself again.
void Broker::open_another_connection(const Upstream& silent, TimePoint now) {
  int being_opened = 0;
  for (const auto& upstream : upstreams_) {
    if (upstream->server() != silent.server()) continue;
    if (upstream->attempted_at() + kSilent > now) return;
    being_opened += upstream->being_opened();
  }
  if (being_opened >= kMostBeingOpened) return;
  upstreams_.push_back(std::make_unique<Upstream>(loop_, silent.settings(), *this));
  upstreams_.back()->retire(silent.settings().tls);
  upstreams_.back()->start();
}

// What refuses this host tells it, for that is what somebody must mend; a server that is away may
// come back by itself. All must agree where only certificates are refused: of two servers one may
// still have an old one.
Error Broker::unavailable() const {
  std::string reasons;
  std::string hint;
  std::set<std::string> named;
  const Error* removed = nullptr;
  bool all_rejected = true;
  for (const auto& upstream : upstreams_) {
    const Error& last = upstream->last_error();
    if (auto used = group_.check(upstream->server(), Clock::now()); !used) hint = used.error().hint;
    if (last.code == Code::device_unknown) removed = &last;
    all_rejected = all_rejected && last.code == Code::certificate_rejected;
    const std::string reason = last.message.empty()
                                   ? upstream->server() + ": " + std::string(upstream->state_name())
                                   : last.message;
    if (named.insert(reason).second) reasons += (named.size() == 1 ? "" : "; ") + reason;
  }
  if (removed != nullptr)
    return Error(removed->code, "the key server does not let this host in: " + reasons,
                 removed->hint);
  if (all_rejected)
    return Error(Code::certificate_rejected, "no key server can be used: " + reasons, hint);
  return Error(Code::server_unavailable, "no key server can be reached: " + reasons, hint);
}

// Drops replaced connections that owe nothing, once a new one is ready or they are gone anyway.
void Broker::sweep_retired() {
  const TimePoint now = Clock::now();
  bool replaced = std::any_of(upstreams_.begin(), upstreams_.end(), [&](const auto& u) {
    return !u->retired() && u->ready() && u->silent_for(now) < kSilent;
  });
  std::erase_if(upstreams_, [&](const auto& upstream) {
    bool idle = upstream->outstanding() == 0;
    bool drop = upstream->retired() && idle && (replaced || !upstream->ready());
    if (drop && this_turns_ == upstream.get()) this_turns_ = nullptr;
    return drop;
  });
  update_discovered_soon();
}

}  // namespace nae::agent
