// AgentConnection: one backend's connection to nae-agent and the exchange under way on it. No
// member throws, waits or calls PostgreSQL; pg_nae/pg/exchange.cpp waits for it by latch.
//
// The object lives outside PostgreSQL's memory. An exchange that was left by longjmp stays
// `in_exchange()`: half a frame may be on the wire, so the connection is dropped, never reused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/client/session.hpp"
#include "pg_nae/connection/agent_socket.hpp"
#include "pg_nae/connection/failure.hpp"
#include "pg_nae/connection/role_contexts.hpp"

namespace nae::backend {

// RoleClaims and the user's token as views, all UTF-8.
struct RoleClaimsView {
  std::string_view database;
  std::string_view effective_role;
  std::string_view session_role;
  std::string_view login_role;
  std::string_view application_name;
  std::string_view client_address;
  std::span<const std::string_view> memberships;
  std::string_view user_token;  // empty: none
};

enum class Progress : std::uint8_t {
  done,            // a reply is at hand; in_exchange() says whether more are to come
  wants_to_read,   // call again when the socket is readable
  wants_to_write,  // call again when it is readable or writable
  failed,          // drop the connection
};

class AgentConnection {
 public:
  // nullptr and a failure when the agent cannot be reached at once.
  static AgentConnection* open(const char* path, Failure& failure) noexcept;

  int descriptor() const { return socket_.descriptor(); }
  bool path_is(std::string_view path) const { return path_ == path; }
  bool peer_closed() const { return socket_.peer_closed(); }
  bool in_exchange() const { return in_exchange_; }
  // The limits are the agent's, no longer only our own.
  bool limits_known() const { return session_.ready(); }
  const wire::Limits& limits() const { return session_.limits(); }
  // Of the policy, as far as the agent has told and advance() has read.
  std::uint64_t epoch() const { return session_.epoch(); }
  // Bytes that arrived since the exchange began: none means that nothing was answered.
  bool reply_began() const { return reply_began_; }
  // nae-agent gave this connection's place to another and has read nothing of what is unanswered:
  // whatever was asked may be asked again on a new connection.
  bool gave_way() const { return gave_way_; }
  // After `failure`, when the exchange broke off: whether what has no answer may be asked once
  // more. What nobody read may; what may have been done only where that leaves nothing behind.
  bool may_ask_again(const Failure& failure, Repeated repeated) const {
    const bool unheard = failure.code == Code::connection_lost && !reply_began_;
    return gave_way_ || (unheard && repeated == Repeated::nothing);
  }

  std::uint32_t find_context(const RoleKey& key) const { return contexts_.find(key); }
  void forget_context(std::uint32_t number) { contexts_.forget(number); }

  // Begin an exchange; false and a failure when nothing was queued. Several may be begun before
  // advance(): they travel in one write and are answered in any order. open_context answers the
  // new number or 0.
  std::uint32_t begin_open_context(const RoleKey& key, const RoleClaimsView& claims,
                                   Failure& failure) noexcept;
  bool begin_crypto(const wire::CryptoRequest& request, Failure& failure) noexcept;
  bool begin_lookup(const wire::Lookup& lookup, Failure& failure) noexcept;

  // Sends what the socket takes now, and reads nothing. What is wrong shows in advance().
  void send_ahead() noexcept;
  // Moves what can be moved now. `readable`: the socket may hold something to read.
  Progress advance(bool readable, Failure& failure) noexcept;

  // Of the reply that is at hand: which request of the exchange it answers, the first begun being
  // 0. The views live until the next begin or advance().
  std::size_t answered_request() const { return answered_; }
  const wire::CryptoReplyView& crypto_reply() const { return crypto_reply_; }
  const Table& lookup_reply() const { return lookup_reply_; }
  // Gives the reply's memory back: a backend keeps neither a large value nor its room for the rest
  // of its life. The views above are gone.
  void release_reply() noexcept;
  // The request was answered by an Error: `failure` says which; the connection stays usable.
  bool refused(Failure& failure) const noexcept;

 private:
  AgentConnection(std::string path, AgentSocket socket);

  void enter_exchange();
  Result<void> write_output();
  Result<Progress> read_and_dispatch(bool readable);
  Result<void> dispatch(const wire::Frame& frame);
  Result<void> accept_answer(const wire::Frame& frame);
  void leave_exchange_when_answered();

  // A request of this exchange.
  struct Asked {
    std::uint64_t id = 0;  // 0 once it is answered
    std::uint32_t items = 0;
  };

  std::string path_;
  AgentSocket socket_;
  client::Session session_;
  RoleContexts contexts_;

  bool in_exchange_ = false;
  bool reply_began_ = false;
  bool gave_way_ = false;
  bool output_lost_ = false;   // the peer takes no more, but may have said why
  std::uint64_t open_id_ = 0;  // of the OpenContext that is not yet answered
  std::uint32_t open_number_ = 0;
  std::vector<Asked> asked_;
  std::size_t unanswered_ = 0;  // of asked_
  std::size_t answered_ = 0;    // place in asked_ of the reply at hand
  std::optional<Error> refusal_;
  wire::CryptoReplyView crypto_reply_;
  Table lookup_reply_;
};

}  // namespace nae::backend
