// What exchanges of one request and of many have in common.
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/connection/agent_connection.hpp"
#include "pg_nae/pg/deadline.hpp"

namespace nae::pg {

// The number of the context of `key` on this connection, whose opening is begun if need be.
std::uint32_t context_of(backend::AgentConnection& connection, const backend::RoleKey& key);

// The limits that the requests must be divided by: the agent's or, where the requests are small
// enough for any agent, the defaults.
wire::Limits limits_for(std::span<const wire::CryptoRequest> requests, Deadline deadline);

}  // namespace nae::pg
