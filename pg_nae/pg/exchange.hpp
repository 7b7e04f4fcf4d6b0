// Exchange: a request to nae-agent and the wait for its answer. Cancel, statement_timeout,
// pg_terminate_backend and the postmaster's death are heeded at every moment of it.
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "libnae/wire/lookup.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// Sends the items, in as few requests as the agreed limits allow, and hands each reply to
// `consume(state, first, reply)`, `first` being the place of the reply's first item among all.
// consume may raise. The context number in the request is filled in here.
using ConsumeReply = void (*)(void* state, std::size_t first, const wire::CryptoReplyView& reply);
void run_crypto(const wire::CryptoRequest& request, ConsumeReply consume, void* state);

// The table is the connection's: it lives until the next exchange. Waits no longer than
// nae.request_timeout, nor than `most_ms` where that is not 0.
const Table& run_lookup(wire::LookupSubject subject, int most_ms = 0);

}  // namespace nae::pg
