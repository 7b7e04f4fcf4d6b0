#include "pg_nae/pg/exchange.hpp"

#include <algorithm>
#include <limits>

#include "pg_nae/connection/chunk.hpp"
#include "pg_nae/pg/error_scope.hpp"
#include "pg_nae/pg/lookup.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

using backend::AgentConnection;
using backend::Failure;

// Of one request of a batch. While the key server works on the first half of a large batch the
// agent hands on the second, which goes by another connection and so to another thread.
constexpr std::uint32_t kMostItems = 1000;

std::size_t reply_frame_bytes(const wire::CryptoReplyView& reply) {
  std::size_t count = reply.items.count();
  return wire::kFrameHeaderBytes + 4 + 2 * count +
         wire::column_bytes(count, reply.items.data_bytes());
}

}  // namespace

void Traffic::add(const Traffic& other) {
  round_trips += other.round_trips;
  ahead += other.ahead;
  requests += other.requests;
  items += other.items;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  wait_ns += other.wait_ns;
}

void Parts::add(const Part& part) {
  if (count == capacity) {
    capacity = capacity == 0 ? 8 : capacity * 2;
    std::size_t bytes = capacity * sizeof(Part);
    at = static_cast<Part*>(at == nullptr ? palloc(bytes) : repalloc(at, bytes));
  }
  at[count++] = part;
}

void Parts::add_unanswered_again(std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i)
    if (!at[i].answered) add(Part(at[i]));
}

void Exchange::create(MemoryContext statement, const StatementRoles& roles) {
  roles_ = roles;
  settle = [](PendingExchange& self) { static_cast<Exchange&>(self).receive_pending(); };
  at_end_.func = [](void* self) {
    if (is_pending(*static_cast<Exchange*>(self))) drop_connection();
  };
  at_end_.arg = this;
  MemoryContextRegisterResetCallback(statement, &at_end_);
}

void Exchange::create_for_call() {
  roles_ = current_roles();
  one_by_one_ = true;
}

void Exchange::prepare(std::span<const wire::CryptoRequest> requests,
                       const ExchangeAnswers& answers, Traffic& traffic) {
  requests_ = requests;
  answers_ = answers;
  traffic_ = &traffic;
  memory_ = CurrentMemoryContext;
  parts_ = {};
  asked_ = first_ = 0;
  most_items_ = one_by_one_ ? std::numeric_limits<std::uint32_t>::max() : kMostItems;
}

wire::CryptoRequest Exchange::request_of(const Part& part) const {
  return backend::part_of(requests_[part.request], part.first, part.count);
}

// Answers the first item that fits no frame, or nullptr.
const ByteView* Exchange::divide(wire::Limits limits) {
  limits.max_items = std::min(limits.max_items, most_items_);
  parts_.count = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const wire::CryptoRequest& request = requests_[i];
    for (std::size_t first = 0; first < request.items.size();) {
      std::size_t count = backend::items_that_fit(request, first, limits);
      if (count == 0) return &request.items[first];
      parts_.add({i, first, count});
      first += count;
    }
  }
  return nullptr;
}

// Leaves what is more than a request may have to a part of its own.
void Exchange::shorten(std::size_t number) {
  const Part part = parts_.at[number];
  if (part.count <= most_items_) return;
  parts_.add({part.request, part.first + most_items_, part.count - most_items_});
  parts_.at[number].count = most_items_;
}

// Asks all parts that were not asked before in one exchange, or the next of a call.
void Exchange::begin_parts(AgentConnection& connection) {
  first_ = asked_;
  for (; asked_ < parts_.count && !(one_by_one_ && asked_ > first_); ++asked_) {
    shorten(asked_);
    wire::CryptoRequest request = request_of(parts_.at[asked_]);
    request.header.context = context_;
    Failure failure;
    if (!connection.begin_crypto(request, failure)) raise(failure);
    traffic_->requests++;
    traffic_->items += request.items.size();
    traffic_->bytes_sent += wire::crypto_frame_bytes(request);
  }
  traffic_->round_trips++;
}

// The parts that a broken connection left without an answer are asked once more, where asking
// twice is harmless and nothing was answered yet.
void Exchange::ask_lost_again(AgentConnection& connection, const Failure& failure) {
  const bool all = connection.may_ask_again(failure, Repeated::act);
  const bool harmless = connection.may_ask_again(failure, Repeated::nothing);
  drop_connection();
  for (std::size_t i = first_; i < asked_; ++i) {
    Part part = parts_.at[i];
    if (part.answered) continue;
    const Action action = requests_[part.request].header.action;
    const bool again = when_repeated(action) == Repeated::nothing ? harmless : all;
    if (part.asked_again || !again) raise(failure);
    part.asked_again = true;
    parts_.add(part);
  }
}

void Exchange::take_refusal(AgentConnection& connection, Part part, const Failure& failure) {
  // The other side lost the context, with a restart: nothing was done, whatever was asked.
  if (failure.code == Code::context_unknown && !part.asked_again) {
    connection.forget_context(context_);
    part.asked_again = true;
    parts_.add(part);
    return;
  }
  // The key server has limits that Hello does not name; nothing was done yet.
  if (failure.code == Code::too_many_items && part.count > 1) {
    most_items_ = std::min(most_items_, static_cast<std::uint32_t>(part.count / 2));
    parts_.add({part.request, part.first, part.count});
    return;
  }
  answers_.refuse(answers_.state, part.request, part.first, part.count, failure);
}

void Exchange::take_answer(AgentConnection& connection) {
  std::size_t number = first_ + connection.answered_request();
  Part part = parts_.at[number];
  Failure failure;
  if (connection.refused(failure)) {
    take_refusal(connection, part, failure);
  } else {
    const wire::CryptoReplyView& reply = connection.crypto_reply();
    traffic_->bytes_received += reply_frame_bytes(reply);
    if (requests_[part.request].header.action == Action::decrypt) note_decryption();
    answers_.consume(answers_.state, part.request, part.first, reply);
    connection.release_reply();
  }
  parts_.at[number].answered = true;
}

void Exchange::ask(Deadline deadline) {
  AgentConnection& connection = usable_connection(deadline);
  context_ = context_of(connection, role_key_of(roles_));
  begin_parts(connection);
  while (connection.in_exchange()) {
    Failure failure;
    std::int64_t began_ns = monotonic_ns();
    bool answered = wait_for_answer(connection, deadline, failure);
    traffic_->wait_ns += static_cast<std::uint64_t>(monotonic_ns() - began_ns);
    if (!answered) return ask_lost_again(connection, failure);
    take_answer(connection);
  }
}

// What was asked ahead and got lost is asked again, although the first may have been done: a
// ciphertext that nobody has seen is none.
bool Exchange::may_go_ahead() const {
  if (InSecurityRestrictedOperation()) return false;
  for (const wire::CryptoRequest& request : requests_)
    if (when_repeated(request.header.action) == Repeated::act) return false;
  return true;
}

void Exchange::begin_ahead() {
  AgentConnection* connection = idle_connection();
  if (connection == nullptr || requests_.empty()) return;
  context_ = connection->find_context(role_key_of(roles_));
  if (context_ == 0 || !may_go_ahead()) return;
  // What is kept of it lives until its answers are taken, not as long as the row at hand.
  MemoryContext before = MemoryContextSwitchTo(memory_);
  bool fits = divide(connection->limits()) == nullptr;
  if (fits) begin_parts(*connection);
  MemoryContextSwitchTo(before);
  if (!fits) return;
  traffic_->ahead++;
  leave_pending(*this);
  connection->send_ahead();
}

// The time that a client lets pass between two rows is not the key server's: the limit counts from
// here. A failure is not ours to raise, the rows at hand may be those of another statement.
void Exchange::receive_pending() {
  Deadline deadline = Deadline::after_ms(settings.request_timeout_ms);
  MemoryContext before = MemoryContextSwitchTo(memory_);
  AgentConnection& connection = current_connection();
  Waited waited = Waited::answered;
  while (waited == Waited::answered && connection.in_exchange()) {
    Failure failure;
    std::int64_t began_ns = monotonic_ns();
    waited = try_wait_for_answer(connection, deadline, failure);
    traffic_->wait_ns += static_cast<std::uint64_t>(monotonic_ns() - began_ns);
    if (waited == Waited::answered) take_answer(connection);
  }
  if (waited != Waited::answered) drop_connection();
  MemoryContextSwitchTo(before);
}

void Exchange::finish() {
  if (requests_.empty()) return;
  refuse_restricted_operation();
  static_cast<void>(role_key_of(roles_));  // also what was asked ahead is not for the next user
  if (is_pending(*this)) settle_pending();
  Deadline deadline = Deadline::after_ms(settings.request_timeout_ms);
  if (asked_ != 0) {
    parts_.add_unanswered_again(first_, asked_);
  } else {
    wire::Limits limits = limits_for(requests_, deadline);
    if (const ByteView* item = divide(limits))
      raise(Code::value_too_large,
            psprintf("value of %zu bytes does not fit the frames of this connection (%u bytes)",
                     item->size(), limits.max_frame_bytes));
  }
  while (asked_ < parts_.count) ask(deadline);
}

void Exchange::drain() {
  if (is_pending(*this)) settle_pending();
}

bool fits_a_frame(std::size_t bytes) {
  const wire::Limits* known = known_limits();
  return bytes <= backend::max_item_bytes(known != nullptr ? *known : wire::Limits{});
}

}  // namespace nae::pg
