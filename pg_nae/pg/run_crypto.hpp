// One request of a call, asked and answered at once. Cancel, statement_timeout,
// pg_terminate_backend and the postmaster's death are heeded at every moment of it.
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/pg/postgres.hpp"

namespace nae::pg {

// Sends the items, in as few requests as the agreed limits allow, and hands each reply to
// `consume(state, first, reply)`, `first` being the place of the reply's first item among all.
// consume may raise. The context number in the request is filled in here. Waits no longer than
// nae.request_timeout.
using ConsumeReply = void (*)(void* state, std::size_t first, const wire::CryptoReplyView& reply);
void run_crypto(const wire::CryptoRequest& request, ConsumeReply consume, void* state);

}  // namespace nae::pg
