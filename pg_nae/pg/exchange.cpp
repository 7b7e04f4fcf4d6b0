#include "pg_nae/pg/exchange.hpp"

#include "pg_nae/connection/chunk.hpp"
#include "pg_nae/pg/agent_link.hpp"
#include "pg_nae/pg/error_scope.hpp"
#include "pg_nae/pg/identity.hpp"
#include "pg_nae/pg/question.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

using backend::AgentConnection;
using backend::Failure;

// A request below these needs no knowledge of the agent's limits: Hello, context and request
// travel in one write, and the first call of a backend costs one round trip.
constexpr std::size_t kSmallItems = 512;
constexpr std::size_t kSmallBytes = 64u << 10;

// What one exchange is to ask; both may be absent: then only the context is opened.
struct Question {
  const wire::CryptoRequest* crypto = nullptr;
  const wire::LookupSubject* lookup = nullptr;

  bool idempotent() const { return crypto == nullptr || is_idempotent(crypto->header.action); }
};

void begin_question(AgentConnection& connection, const Question& question, std::uint32_t context) {
  Failure failure;
  bool begun = true;
  if (question.crypto != nullptr) {
    wire::CryptoRequest request = *question.crypto;
    request.header.context = context;
    begun = connection.begin_crypto(request, failure);
  } else if (question.lookup != nullptr) {
    begun = connection.begin_lookup({context, *question.lookup}, failure);
  }
  if (!begun) raise(failure);
}

// Asks once; true when answered. Otherwise `again` says whether a second try is allowed.
bool ask_once(const Question& question, Deadline deadline, Failure& failure, bool& again) {
  backend::RoleKey key = current_role_key();
  AgentConnection& connection = usable_connection(deadline);
  std::uint32_t context = context_of(connection, key);
  begin_question(connection, question, context);
  again = false;
  if (!wait_for_answer(connection, deadline, failure)) {
    bool unheard = failure.code == Code::connection_lost && !connection.reply_began();
    again = connection.gave_way() || (unheard && question.idempotent());
    drop_connection();
    return false;
  }
  if (!connection.refused(failure)) return true;
  // The other side lost the context, with a restart: nothing was done, whatever was asked.
  again = failure.code == Code::context_unknown;
  if (again) connection.forget_context(context);
  return false;
}

bool ask(const Question& question, Deadline deadline, Failure& failure) {
  bool again = false;
  return ask_once(question, deadline, failure, again) ||
         (again && ask_once(question, deadline, failure, again));
}

std::size_t data_bytes(const wire::CryptoRequest& request) {
  std::size_t total = 0;
  for (ByteView item : request.items) total += item.size();
  for (ByteView item : request.seconds) total += item.size();
  for (ByteView item : request.aad) total += item.size();
  return total;
}

bool is_small(const wire::CryptoRequest& request) {
  return request.items.size() <= kSmallItems && data_bytes(request) <= kSmallBytes;
}

void check_aad(const wire::CryptoRequest& request) {
  for (ByteView aad : request.aad)
    if (aad.size() > wire::kMaxAadBytes)
      raise(Code::value_too_large, psprintf("associated data of %zu bytes; the limit is %u bytes",
                                            aad.size(), wire::kMaxAadBytes));
}

}  // namespace

bool is_idempotent(Action action) {
  switch (action) {
    case Action::decrypt:
    case Action::verify:
    case Action::mac:
    case Action::mac_verify:
    case Action::hash:
      return true;
    default:
      return false;
  }
}

std::uint32_t context_of(AgentConnection& connection, const backend::RoleKey& key) {
  std::uint32_t context = connection.find_context(key);
  if (context != 0) return context;
  backend::RoleClaimsView claims = current_role_claims(key);
  Failure failure;
  context = connection.begin_open_context(key, claims, failure);
  if (context == 0) raise(failure);
  return context;
}

wire::Limits limits_for(std::span<const wire::CryptoRequest> requests, Deadline deadline) {
  if (const wire::Limits* known = known_limits()) return *known;
  bool all_small = true;
  for (const wire::CryptoRequest& request : requests) all_small = all_small && is_small(request);
  if (all_small) return {};
  Failure failure;
  if (!usable_connection(deadline).limits_known() && !ask({}, deadline, failure)) raise(failure);
  return current_connection().limits();
}

void run_crypto(const wire::CryptoRequest& request, ConsumeReply consume, void* state) {
  refuse_restricted_operation();
  check_aad(request);
  if (request.items.empty()) return;
  Deadline deadline = Deadline::after_ms(settings.request_timeout_ms);
  wire::Limits limits = limits_for({&request, 1}, deadline);
  for (std::size_t first = 0; first < request.items.size();) {
    std::size_t count = backend::items_that_fit(request, first, limits);
    if (count == 0)
      raise(Code::value_too_large,
            psprintf("value of %zu bytes does not fit the frames of this connection (%u bytes)",
                     request.items[first].size(), limits.max_frame_bytes));
    wire::CryptoRequest part = backend::part_of(request, first, count);
    Question question;
    question.crypto = &part;
    Failure failure;
    if (ask(question, deadline, failure)) {
      if (request.header.action == Action::decrypt) note_decryption();
      consume(state, first, current_connection().crypto_reply());
      current_connection().release_reply();
      first += count;
      continue;
    }
    // The key server has limits that Hello does not name, such as the number of working keys of
    // one request; nothing was done yet.
    if (failure.code != Code::too_many_items || count == 1) raise(failure);
    limits.max_items = static_cast<std::uint32_t>(count / 2);
  }
}

const Table& run_lookup(wire::LookupSubject subject, int most_ms) {
  refuse_restricted_operation();
  Deadline deadline = Deadline::after_ms(settings.request_timeout_ms);
  if (most_ms != 0) deadline = deadline.sooner(Deadline::after_ms(most_ms));
  Question question;
  question.lookup = &subject;
  Failure failure;
  if (!ask(question, deadline, failure)) raise(failure);
  return current_connection().lookup_reply();
}

}  // namespace nae::pg
