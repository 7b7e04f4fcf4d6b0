// AgentLink: this backend's one connection to nae-agent, opened at first use and kept, with the
// event set that waits for it.
#pragma once

#include "pg_nae/connection/agent_connection.hpp"
#include "pg_nae/pg/deadline.hpp"

namespace nae::pg {

// An exchange that was begun and that nobody waits for yet. Its memory is that of who began it.
struct PendingExchange {
  // Waits for it and takes its answers; a failure is for its owner, when that comes for them.
  // Leaves by longjmp when the statement is cancelled, or when an answer cannot be taken: then it
  // is lost.
  void (*settle)(PendingExchange&);
};

// A connection on which an exchange can begin with no wait and nothing to be agreed on, or nullptr.
backend::AgentConnection* idle_connection();

// The exchange that was just begun on the connection is to be settled later: at the latest when
// somebody else wants the connection.
void leave_pending(PendingExchange& exchange);
bool is_pending(const PendingExchange& exchange);
// Nothing is pending afterwards.
void settle_pending();

// A connection on which an exchange may begin; what is pending is settled first. One that an error
// or a cancel left in the middle of an exchange, that belongs to another process or whose agent is
// gone is closed and reopened.
backend::AgentConnection& usable_connection(Deadline deadline);

// The connection whose exchange has just been done, as it is: its reply is still to be read.
backend::AgentConnection& current_connection();

// What was agreed on with the agent, or nullptr before the first answer.
const wire::Limits* known_limits();

// What decisions of the key server rest on: who asks, and the policy in force. What was decided
// under one standing may be gone by while it is the same.
struct Standing {
  std::uint64_t connection = 0;  // counts those of this backend; 0: there is none
  std::uint32_t context = 0;     // of the role on it; 0: it has asked nothing yet
  std::uint64_t epoch = 0;       // of the policy

  bool is_known() const { return context != 0; }
  bool operator==(const Standing&) const = default;
};
Standing standing_of(const backend::RoleKey& key);
// Takes what the agent has said unasked, as a new epoch, when some milliseconds have passed since
// the last time. Never waits. Views of a reply are gone.
void hear_news();

// Closes it; harmless when there is none.
void drop_connection();

// Waits until the exchange that was begun on the connection is done. False and `failure` when the
// connection broke; Code::timeout is raised. Leaves by longjmp when the statement is cancelled.
bool wait_for_answer(backend::AgentConnection& connection, Deadline deadline,
                     backend::Failure& failure);

enum class Waited : std::uint8_t { answered, broken, timed_out };
// The same without raising what became of the connection.
Waited try_wait_for_answer(backend::AgentConnection& connection, Deadline deadline,
                           backend::Failure& failure);

}  // namespace nae::pg
