// BatchExchange: several requests asked together, in the name of who began the statement, and
// answered in any order with one wait for all of them.
#pragma once

#include "pg_nae/connection/failure.hpp"
#include "pg_nae/pg/exchange.hpp"
#include "pg_nae/pg/identity.hpp"

namespace nae::pg {

// What it took; added to, never reset here.
struct Traffic {
  std::uint64_t round_trips = 0;  // waits
  std::uint64_t requests = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t wait_ns = 0;
};

// Who takes the answers: each request may come back in several parts. Both may raise.
struct BatchAnswers {
  void* state;
  // The results of items `first` and on of the request.
  void (*consume)(void* state, std::size_t request, std::size_t first,
                  const wire::CryptoReplyView& reply);
  // `count` items from `first` on were refused together, with their key or as a request.
  void (*refuse)(void* state, std::size_t request, std::size_t first, std::size_t count,
                 const backend::Failure& failure);
};

// What no request survives, a lost connection or a timeout, is raised. Each item fits a frame by
// itself (fits_a_frame), each aad its limit.
void run_crypto_batch(const StatementRoles& roles, std::span<const wire::CryptoRequest> requests,
                      const BatchAnswers& answers, Traffic& traffic);

// Whether an item of so many bytes, in sum over its columns, can travel at all.
bool fits_a_frame(std::size_t bytes);

}  // namespace nae::pg
