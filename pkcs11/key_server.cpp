#include "pkcs11/key_server.hpp"

#include <poll.h>

#include <algorithm>
#include <limits>

#include "libnae/wire/lookup.hpp"

namespace nae::pkcs11 {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Of one exchange: longer than nae-agent takes to say that a key server did not answer.
constexpr std::chrono::seconds kMostOfAnExchange{60};
constexpr milliseconds kFirstPause{10}, kLongestPause{500};

// How often the answer may be lost. What may have been done is asked for once more: it costs a
// record of the audit log, and may be what ends the key server.
int most_losses_of(Action action) {
  const bool is_done_once = action == Action::sign || action == Action::mac;
  return is_done_once ? 2 : std::numeric_limits<int>::max();
}

// Somebody is away, and nothing was refused.
bool passes(Code code) {
  switch (code) {
    case Code::agent_unavailable:
    case Code::server_unavailable:
    case Code::connection_lost:
    case Code::shutting_down:
    case Code::overloaded:
    case Code::context_unknown:
    case Code::hsm_unavailable:
    case Code::hsm_token_missing:
    case Code::store_unavailable:
      return true;
    default:
      return false;
  }
}

}  // namespace

void KeyServer::act_for(Bytes user_token) {
  pool_.act_for(user_token);
  std::lock_guard guard(lock_);
  user_token_ = std::move(user_token);
  is_stale_ = true;
}

// A connection from before the agent was started again says nothing of the agent that is there.
Result<LinkPool::Turn> KeyServer::take_living(TimePoint deadline) {
  for (;;) {
    NAE_ASSIGN(LinkPool::Turn link, pool_.take(deadline));
    if (!link.is_new()) link->drain();
    if (!link->broken()) return link;
  }
}

Result<void> KeyServer::exchange_once(const Queue& queue, const Read& read, TimePoint deadline,
                                      const Bytes* user_token) {
  NAE_ASSIGN(const LinkPool::Turn link, take_living(deadline));
  {
    std::lock_guard guard(lock_);
    link->act_for(user_token ? *user_token : user_token_);
    if (link.is_new()) is_stale_ = true;
  }
  NAE_ASSIGN(const std::uint64_t id, queue(link->session()));
  NAE_ASSIGN(const wire::Frame frame, link->exchange(id, steady_clock::now() + kMostOfAnExchange));
  return read(frame, *link);
}

Result<void> KeyServer::exchange(const Queue& queue, const Read& read, int most_losses,
                                 const Bytes* user_token) {
  const TimePoint deadline = steady_clock::now() + settings_.patience;
  milliseconds pause = kFirstPause;
  int losses = 0;
  for (;;) {
    auto done = exchange_once(queue, read, deadline, user_token);
    if (done || !passes(done.error().code)) return done;
    if (done.error().code == Code::connection_lost && ++losses >= most_losses) return done;
    const auto now = steady_clock::now();
    if (now >= deadline) return done;
    const auto left = std::chrono::ceil<milliseconds>(deadline - now);
    ::poll(nullptr, 0, static_cast<int>(std::min(pause, left).count()));
    pause = std::min(2 * pause, kLongestPause);
  }
}

Result<void> KeyServer::check_user(const Bytes& user_token) {
  return exchange(
      [](client::Session& session) -> Result<std::uint64_t> {
        return session.lookup({AgentLink::kContext, wire::LookupSubject::keys});
      },
      [](const wire::Frame&, AgentLink&) { return Result<void>(); },
      std::numeric_limits<int>::max(), &user_token);
}

bool KeyServer::is_current(const AgentLink& link) {
  std::lock_guard guard(lock_);
  return objects_ && !is_stale_ && !link.broken() && link.epoch() == epoch_of_objects_;
}

Result<std::shared_ptr<const ObjectTable>> KeyServer::objects() {
  {
    auto link = pool_.take(steady_clock::now());
    if (link && !link->is_new()) (*link)->drain();
    if (link && !link->is_new() && is_current(**link)) return known_objects();
  }
  NAE_TRY(exchange(
      [](client::Session& session) -> Result<std::uint64_t> {
        return session.lookup({AgentLink::kContext, wire::LookupSubject::objects});
      },
      [&](const wire::Frame& frame, AgentLink& link) -> Result<void> {
        NAE_ASSIGN(const Table listed, wire::parse_lookup_reply(frame.body));
        auto table =
            std::make_shared<const ObjectTable>(ObjectTable::from(listed, settings_.shows_ed25519));
        std::lock_guard guard(lock_);
        objects_ = std::move(table);
        epoch_of_objects_ = link.epoch();
        is_stale_ = !link.is_for(user_token_);  // the user may be another by now
        return {};
      }));
  return known_objects();
}

std::shared_ptr<const ObjectTable> KeyServer::known_objects() {
  std::lock_guard guard(lock_);
  return objects_;
}

Result<Bytes> KeyServer::ask(const wire::CryptoRequest& request) {
  Bytes result;
  NAE_TRY(exchange(
      [&](client::Session& session) { return session.crypto(request); },
      [&](const wire::Frame& frame, AgentLink&) -> Result<void> {
        NAE_ASSIGN(const wire::CryptoReplyView reply, wire::parse_crypto_reply(frame.body));
        if (reply.items.count() != 1)
          return fail(Code::protocol_violation, "another count of items");
        if (const std::uint16_t status = reply.status(0); status != 0)
          return fail(code_from_wire(status).value_or(Code::internal), "the item was refused");
        const ByteView bytes = reply.items.cursor().next();
        result.assign(bytes.begin(), bytes.end());
        return {};
      },
      most_losses_of(request.header.action)));
  return result;
}

Result<Bytes> KeyServer::ask(Action action, std::uint8_t algorithm, const std::string& key,
                             ByteView item, ByteView second) {
  wire::CryptoRequest request;
  request.header = {AgentLink::kContext, action, algorithm, key, 0};
  request.items = {&item, 1};
  if (action == Action::verify || action == Action::mac_verify)
    request.seconds = {&second, 1};
  else if (!second.empty())
    request.aad = {&second, 1};
  return ask(request);
}

Result<Bytes> KeyServer::cipher(const CipherUse& use, const std::string& key, ByteView item) {
  const ByteView iv(use.iv), aad(use.aad);
  wire::CryptoRequest request;
  request.header = {AgentLink::kContext, use.encrypts ? Action::encrypt : Action::decrypt,
                    static_cast<std::uint8_t>(use.mode), key, 0};
  request.items = {&item, 1};
  if (!iv.empty()) request.seconds = {&iv, 1};
  if (!aad.empty()) request.aad = {&aad, 1};
  return ask(request);
}

}  // namespace nae::pkcs11
