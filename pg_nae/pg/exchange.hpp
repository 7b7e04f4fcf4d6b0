// Exchange: several requests asked together, in the name of who began the statement, and
// answered in any order with one wait for all of them, now or when they are wanted.
#pragma once

#include "libnae/wire/crypto_message.hpp"
#include "pg_nae/connection/failure.hpp"
#include "pg_nae/pg/agent_link.hpp"
#include "pg_nae/pg/deadline.hpp"
#include "pg_nae/pg/identity.hpp"

namespace nae::pg {

// What it took; added to, never reset here.
struct Traffic {
  std::uint64_t round_trips = 0;
  std::uint64_t ahead = 0;  // of these, begun before anybody waited for them
  std::uint64_t requests = 0;
  std::uint64_t items = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t wait_ns = 0;

  void add(const Traffic& other);
};

// Who takes the answers: each request may come back in several parts. Both may raise.
struct ExchangeAnswers {
  void* state;
  // The results of items `first` and on of the request.
  void (*consume)(void* state, std::size_t request, std::size_t first,
                  const wire::CryptoReplyView& reply);
  // `count` items from `first` on were refused together, with their key or as a request.
  void (*refuse)(void* state, std::size_t request, std::size_t first, std::size_t count,
                 const backend::Failure& failure);
};

// Items of one request that travel in one frame.
struct Part {
  std::size_t request;
  std::size_t first;
  std::size_t count;
  bool asked_again = false;
  bool answered = false;
};

// All parts of one batch in the order in which they are asked; what must be asked again is added
// at the end. Plain memory.
struct Parts {
  Part* at;
  std::size_t count;
  std::size_t capacity;

  void add(const Part& part);
  void add_unanswered_again(std::size_t first, std::size_t end);
};

// The requests of one batch on their way. Made of zeroed memory of the statement, used for one
// batch after the other.
class Exchange : public PendingExchange {
 public:
  // When `statement` goes while an answer is still to come, so does the connection.
  void create(MemoryContext statement, const StatementRoles& roles);

  // For the requests of one call, in the name of whose role is current. Parts are asked one after
  // the other: of a long array one travels at a time, and the first item that fails is the one that
  // is told of. Nothing is asked ahead.
  void create_for_call();

  // The next batch: what the spans and views name lives until it is done, as does the current
  // memory context, in which its answers are taken. Each item fits a frame by itself
  // (fits_a_frame), each aad its limit.
  void prepare(std::span<const wire::CryptoRequest> requests, const ExchangeAnswers& answers,
               Traffic& traffic);

  // Sends it and does not wait, if the connection is ready for that and everything may be asked
  // twice. Whatever comes of it shows in finish().
  void begin_ahead();

  // Asks what is not yet asked, waits for what is not answered. What no request survives, a lost
  // connection or a timeout, is raised.
  void finish();

  // Waits for what was asked ahead, for nobody: the batch is not wanted any more.
  void drain();

 private:
  wire::CryptoRequest request_of(const Part& part) const;
  bool may_go_ahead() const;
  const ByteView* divide(wire::Limits limits);
  void shorten(std::size_t number);
  void begin_parts(backend::AgentConnection& connection);
  void ask(Deadline deadline);
  void ask_lost_again(backend::AgentConnection& connection, const backend::Failure& failure);
  void take_answer(backend::AgentConnection& connection);
  void take_refusal(backend::AgentConnection& connection, Part part,
                    const backend::Failure& failure);
  void receive_pending();

  StatementRoles roles_;
  MemoryContextCallback at_end_;

  std::span<const wire::CryptoRequest> requests_;
  ExchangeAnswers answers_;
  Traffic* traffic_;
  MemoryContext memory_;
  Parts parts_;
  std::size_t asked_;  // parts before it have been asked, those from first_ on in one exchange
  std::size_t first_;
  std::uint32_t most_items_;  // of one request, as far as is known
  std::uint32_t context_;
  bool one_by_one_;
};

// Whether an item of so many bytes, in sum over its columns, can travel at all.
bool fits_a_frame(std::size_t bytes);

}  // namespace nae::pg
