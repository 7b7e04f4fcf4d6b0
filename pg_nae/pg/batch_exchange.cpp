#include "pg_nae/pg/batch_exchange.hpp"

#include "pg_nae/connection/chunk.hpp"
#include "pg_nae/pg/agent_link.hpp"
#include "pg_nae/pg/question.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

using backend::AgentConnection;
using backend::Failure;

// Items of one request that travel in one frame.
struct Part {
  std::size_t request;
  std::size_t first;
  std::size_t count;
  bool asked_again = false;
  bool answered = false;
};

// All parts of one batch in the order in which they are asked; what must be asked again is added
// at the end. Plain memory of the current context.
struct Parts {
  Part* at = nullptr;
  std::size_t count = 0;
  std::size_t capacity = 0;

  void add(const Part& part) {
    if (count == capacity) grow();
    at[count++] = part;
  }
  void grow() {
    capacity = capacity == 0 ? 8 : capacity * 2;
    std::size_t bytes = capacity * sizeof(Part);
    at = static_cast<Part*>(at == nullptr ? palloc(bytes) : repalloc(at, bytes));
  }
};

struct Batch {
  const StatementRoles& roles;
  std::span<const wire::CryptoRequest> requests;
  const BatchAnswers& answers;
  Traffic& traffic;
  Deadline deadline;
  Parts parts;

  wire::CryptoRequest request_of(const Part& part) const {
    return backend::part_of(requests[part.request], part.first, part.count);
  }
};

std::size_t reply_frame_bytes(const wire::CryptoReplyView& reply) {
  std::size_t count = reply.items.count();
  return wire::kFrameHeaderBytes + 4 + 2 * count +
         wire::column_bytes(count, reply.items.data_bytes());
}

void divide(Batch& batch, const wire::Limits& limits) {
  for (std::size_t i = 0; i < batch.requests.size(); ++i) {
    const wire::CryptoRequest& request = batch.requests[i];
    for (std::size_t first = 0; first < request.items.size();) {
      std::size_t count = backend::items_that_fit(request, first, limits);
      if (count == 0)
        raise(Code::value_too_large,
              psprintf("value of %zu bytes does not fit the frames of this connection (%u bytes)",
                       request.items[first].size(), limits.max_frame_bytes));
      batch.parts.add({i, first, count});
      first += count;
    }
  }
}

void begin_parts(AgentConnection& connection, Batch& batch, std::size_t first,
                 std::uint32_t context) {
  for (std::size_t i = first; i < batch.parts.count; ++i) {
    wire::CryptoRequest request = batch.request_of(batch.parts.at[i]);
    request.header.context = context;
    Failure failure;
    if (!connection.begin_crypto(request, failure)) raise(failure);
    batch.traffic.requests++;
    batch.traffic.items += request.items.size();
    batch.traffic.bytes_sent += wire::crypto_frame_bytes(request);
  }
}

// The parts that a broken connection left without an answer are asked once more, where asking
// twice is harmless and nothing was answered yet.
void ask_lost_again(AgentConnection& connection, Batch& batch, std::size_t first, std::size_t end,
                    const Failure& failure) {
  bool unheard = failure.code == Code::connection_lost && !connection.reply_began();
  drop_connection();
  for (std::size_t i = first; i < end; ++i) {
    Part part = batch.parts.at[i];
    if (part.answered) continue;
    bool again =
        unheard && !part.asked_again && is_idempotent(batch.requests[part.request].header.action);
    if (!again) raise(failure);
    part.asked_again = true;
    batch.parts.add(part);
  }
}

void take_refusal(AgentConnection& connection, Batch& batch, Part part, std::uint32_t context,
                  const Failure& failure) {
  // The other side lost the context, with a restart: nothing was done, whatever was asked.
  if (failure.code == Code::context_unknown && !part.asked_again) {
    connection.forget_context(context);
    part.asked_again = true;
    part.answered = false;
    batch.parts.add(part);
    return;
  }
  // The key server has limits that Hello does not name; nothing was done yet.
  if (failure.code == Code::too_many_items && part.count > 1) {
    std::size_t half = part.count / 2;
    batch.parts.add({part.request, part.first, half});
    batch.parts.add({part.request, part.first + half, part.count - half});
    return;
  }
  batch.answers.refuse(batch.answers.state, part.request, part.first, part.count, failure);
}

void take_answer(AgentConnection& connection, Batch& batch, Part& part, std::uint32_t context) {
  part.answered = true;
  Failure failure;
  if (connection.refused(failure)) return take_refusal(connection, batch, part, context, failure);
  const wire::CryptoReplyView& reply = connection.crypto_reply();
  batch.traffic.bytes_received += reply_frame_bytes(reply);
  batch.answers.consume(batch.answers.state, part.request, part.first, reply);
  connection.release_reply();
}

// Asks all parts from `first` on in one exchange.
void ask_parts(Batch& batch, std::size_t first) {
  backend::RoleKey key = role_key_of(batch.roles);
  AgentConnection& connection = usable_connection(batch.deadline);
  std::uint32_t context = context_of(connection, key);
  begin_parts(connection, batch, first, context);
  std::size_t end = batch.parts.count;
  batch.traffic.round_trips++;
  while (connection.in_exchange()) {
    Failure failure;
    std::int64_t began_ns = monotonic_ns();
    bool answered = wait_for_answer(connection, batch.deadline, failure);
    batch.traffic.wait_ns += static_cast<std::uint64_t>(monotonic_ns() - began_ns);
    if (!answered) return ask_lost_again(connection, batch, first, end, failure);
    take_answer(connection, batch, batch.parts.at[first + connection.answered_request()], context);
  }
}

}  // namespace

void run_crypto_batch(const StatementRoles& roles, std::span<const wire::CryptoRequest> requests,
                      const BatchAnswers& answers, Traffic& traffic) {
  refuse_restricted_operation();
  Batch batch{roles, requests, answers, traffic, Deadline::after_ms(settings.request_timeout_ms),
              {}};
  divide(batch, limits_for(requests, batch.deadline));
  for (std::size_t first = 0; first < batch.parts.count;) {
    std::size_t end = batch.parts.count;
    ask_parts(batch, first);
    first = end;
  }
}

bool fits_a_frame(std::size_t bytes) {
  const wire::Limits* known = known_limits();
  return bytes <= backend::max_item_bytes(known != nullptr ? *known : wire::Limits{});
}

}  // namespace nae::pg
