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
