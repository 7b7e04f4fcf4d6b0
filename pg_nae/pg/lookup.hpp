// Lookups, and what every exchange looks up before it asks: its role's context and the limits of
// the connection. Waits as run_crypto() does.
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/lookup.hpp"
#include "pg_nae/connection/agent_connection.hpp"
#include "pg_nae/pg/deadline.hpp"

namespace nae::pg {

// The table is the connection's: it lives until the next exchange. Waits no longer than
// nae.request_timeout, nor than `most_ms` where that is not 0.
const Table& run_lookup(wire::LookupSubject subject, int most_ms = 0);

// The number of the context of `key` on this connection, whose opening is begun if need be.
std::uint32_t context_of(backend::AgentConnection& connection, const backend::RoleKey& key);

// The limits that the requests must be divided by: the agent's or, where the requests are small
// enough for any agent, the defaults.
wire::Limits limits_for(std::span<const wire::CryptoRequest> requests, Deadline deadline);

}  // namespace nae::pg
