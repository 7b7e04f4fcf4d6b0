#include "pg_nae/pg/lookup.hpp"

#include "pg_nae/pg/agent_link.hpp"
#include "pg_nae/pg/identity.hpp"
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

// Opens the context of the current role and looks `subject` up, where there is one. Asking that
// again changes nothing.
void ask(const wire::LookupSubject* subject, Deadline deadline) {
  const backend::RoleKey key = current_role_key();
  for (bool again = true;; again = false) {
    AgentConnection& connection = usable_connection(deadline);
    const std::uint32_t context = context_of(connection, key);
    Failure failure;
    if (subject != nullptr && !connection.begin_lookup({context, *subject}, failure))
      raise(failure);
    if (wait_for_answer(connection, deadline, failure)) {
      if (!connection.refused(failure)) return;
      if (failure.code != Code::context_unknown || !again) raise(failure);
      connection.forget_context(context);
    } else {
      const bool harmless = connection.may_ask_again(failure, Repeated::nothing);
      drop_connection();
      if (!again || !harmless) raise(failure);
    }
  }
}

}  // namespace

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
  if (!usable_connection(deadline).limits_known()) ask(nullptr, deadline);
  return current_connection().limits();
}

const Table& run_lookup(wire::LookupSubject subject, int most_ms) {
  refuse_restricted_operation();
  Deadline deadline = Deadline::after_ms(settings.request_timeout_ms);
  if (most_ms != 0) deadline = deadline.sooner(Deadline::after_ms(most_ms));
  ask(&subject, deadline);
  return current_connection().lookup_reply();
}

}  // namespace nae::pg
