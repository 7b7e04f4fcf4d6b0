// SentContexts: the contexts that one upstream connection has opened, and their numbers there.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "agent/context.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/hello.hpp"

namespace nae::agent {

struct SentContext {
  std::weak_ptr<const Context> context;
  // A context of a role is kept for the next client that acts as it. One of a user lives only as
  // long as clients hold it: the user's token must not outlast the session that set it.
  ContextPtr kept;
  std::uint32_t number = 0;
  std::size_t bytes = 0;         // of the frame that opened it
  std::size_t outstanding = 0;   // requests that quote it and are not answered
  std::optional<Error> refused;  // the server's answer to OpenContext, if it was no
  std::uint64_t last_used = 0;
};
using SentContextPtr = std::shared_ptr<SentContext>;

class SentContexts {
 public:
  explicit SentContexts(std::size_t most) : most_(most) {}

  // The open context, or a new one: OpenContext is appended to `out`, right before the request that
  // needs it, and nobody waits for its answer. At the bounds, of contexts and of their bytes, those
  // that were idle longest are closed; Code::overloaded when all are in use. What the server of
  // `agreed` would not read would end the connection of everybody: Code::frame_too_large for a long
  // frame, Code::user_token_rejected for a token that a server of version 1 has no room for.
  Result<SentContextPtr> use(const ContextPtr& context, const wire::HelloReply& agreed, Bytes& out);

  static bool is_open_request(std::uint64_t request_id) { return (request_id & kOpenRequest) != 0; }
  // The server answered OpenContext: with nothing to say, or with a refusal. Requests that follow
  // a refusal open the context anew: the policy may have changed.
  void opened(std::uint64_t request_id);
  void refused(std::uint64_t request_id, Error error);
  // Closes the contexts of users that no client holds any more.
  void close_departed(Bytes& out);
  // The server does not know the number (any more).
  void forget(const SentContext& sent);

  std::size_t size() const { return sent_.size(); }

 private:
  // Request ids of OpenContext have this bit, those of the broker's requests have not.
  static constexpr std::uint64_t kOpenRequest = std::uint64_t{1} << 63;

  bool close_one(Bytes& out);
  Result<void> make_room(std::size_t bytes, Bytes& out);

  std::size_t most_;
  std::size_t bytes_ = 0;  // of all that are open
  // By owner: the address of a context that is gone may be that of another.
  std::map<std::weak_ptr<const Context>, SentContextPtr, std::owner_less<>> sent_;
  std::unordered_map<std::uint64_t, SentContextPtr> opening_;
  std::uint32_t next_number_ = 1;
  std::uint64_t uses_ = 0;
};

}  // namespace nae::agent
