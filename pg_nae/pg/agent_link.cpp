#include "pg_nae/pg/agent_link.hpp"

#include "pg_nae/pg/postgres.hpp"
#include "pg_nae/pg/report.hpp"
#include "pg_nae/pg/settings.hpp"

namespace nae::pg {
namespace {

using backend::AgentConnection;
using backend::Failure;
using backend::Progress;

// While an agent starts or its queue is full there is no event to wait for.
constexpr long kConnectRetryMs = 20;
// Between two looks for what the agent says unasked, while nothing is asked.
constexpr std::int64_t kNewsAfterNs = 10'000'000;

// Plain pointers: what they name outlives any longjmp.
AgentConnection* agent_connection = nullptr;
std::uint64_t connections = 0;
std::int64_t news_heard_ns = 0;
WaitEventSet* events = nullptr;
int socket_position = -1;  // -1: the set is not complete, nothing must wait on it
uint32 awaited = 0;
pid_t owner = 0;
bool counted_descriptor = false;
PendingExchange* pending = nullptr;
bool settling = false;  // still true after a longjmp: then what is pending was left in the middle

void drop_at_exit(int, Datum) {
  drop_connection();
}

// A cancelled statement must not keep its values in the buffers until the next call.
void drop_broken_exchange(XactEvent event, void*) {
  bool aborted = event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT;
  if (aborted && agent_connection != nullptr && agent_connection->in_exchange()) drop_connection();
}
void drop_broken_exchange_of_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId,
                                            void*) {
  bool broken = agent_connection != nullptr && agent_connection->in_exchange();
  // What is pending may belong to a statement around this subtransaction.
  if (broken && pending != nullptr && !settling) broken = false;
  if (event == SUBXACT_EVENT_ABORT_SUB && broken) drop_connection();
}

void register_callbacks_once() {
  static pid_t registered = 0;
  if (registered == MyProcPid) return;
  on_proc_exit(drop_at_exit, Datum{0});
  RegisterXactCallback(drop_broken_exchange, nullptr);
  RegisterSubXactCallback(drop_broken_exchange_of_subtransaction, nullptr);
  registered = MyProcPid;
}

void create_event_set() {
  socket_position = -1;
#if PG_VERSION_NUM >= 170000
  events = CreateWaitEventSet(nullptr, 3);
#else
  events = CreateWaitEventSet(TopMemoryContext, 3);
#endif
  AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
  AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
  awaited = WL_SOCKET_READABLE;
  socket_position =
      AddWaitEventToSet(events, awaited, agent_connection->descriptor(), nullptr, nullptr);
}

// Sleeps until the latch is set, heeding interrupts.
void nap(long ms) {
  int rc =
      WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
  if (rc & WL_LATCH_SET) ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
}

// An embedded agent that starts or restarts is worth a short wait, a full queue always is.
bool worth_waiting(const Failure& failure) {
  if (failure.code == Code::overloaded) return true;
  return failure.code == Code::agent_unavailable && settings.agent == agent_embedded &&
         settings.preloaded;
}

[[noreturn]] void raise_unreachable(const Failure& failure) {
  if (failure.code == Code::agent_unavailable && settings.agent == agent_embedded &&
      !settings.preloaded)
    raise(failure.code, failure.message,
          "pg_nae is not in shared_preload_libraries, so nobody starts an embedded nae-agent. Add "
          "it and restart the server, or start nae-agent and set nae.agent = external.");
  raise(failure);
}

void open_connection(Deadline deadline) {
  register_callbacks_once();
  Deadline connect_deadline = deadline.sooner(Deadline::after_ms(settings.connect_timeout_ms));
  for (;;) {
    Failure failure;
    agent_connection = AgentConnection::open(settings.agent_socket, failure);
    if (agent_connection != nullptr) break;
    if (!worth_waiting(failure) || connect_deadline.passed()) raise_unreachable(failure);
    nap(kConnectRetryMs);
  }
  ++connections;
  owner = MyProcPid;
  counted_descriptor = AcquireExternalFD();
  if (!counted_descriptor) {
    drop_connection();
    raise(Code::overloaded, "this backend has too many open files", "Raise max_files_per_process.");
  }
  create_event_set();
}

bool is_usable() {
  return owner == MyProcPid && socket_position >= 0 && !agent_connection->in_exchange() &&
         agent_connection->path_is(settings.agent_socket) && !agent_connection->peer_closed();
}

}  // namespace

void drop_connection() {
  // A forked child must not touch what is its parent's.
  if (owner == MyProcPid && events != nullptr) FreeWaitEventSet(events);
  events = nullptr;
  socket_position = -1;
  AgentConnection* dropped = agent_connection;
  agent_connection = nullptr;
  delete dropped;
  if (counted_descriptor) ReleaseExternalFD();
  counted_descriptor = false;
  settling = false;
  pending = nullptr;  // its owner finds out by what is not answered
}

void leave_pending(PendingExchange& exchange) {
  pending = &exchange;
}

bool is_pending(const PendingExchange& exchange) {
  return pending == &exchange;
}

void settle_pending() {
  if (pending == nullptr) return;
  if (settling) return drop_connection();
  settling = true;
  pending->settle(*pending);
  settling = false;
  pending = nullptr;
}

AgentConnection* idle_connection() {
  bool idle = agent_connection != nullptr && pending == nullptr && is_usable() &&
              agent_connection->limits_known();
  return idle ? agent_connection : nullptr;
}

AgentConnection& usable_connection(Deadline deadline) {
  settle_pending();
  if (agent_connection != nullptr && !is_usable()) drop_connection();
  if (agent_connection == nullptr) open_connection(deadline);
  return *agent_connection;
}

AgentConnection& current_connection() {
  return *agent_connection;
}

void hear_news() {
  std::int64_t now_ns = monotonic_ns();
  if (agent_connection == nullptr || now_ns - news_heard_ns < kNewsAfterNs) return;
  // An exchange that is under way hears by itself.
  if (owner == MyProcPid && agent_connection->in_exchange()) return;
  news_heard_ns = now_ns;
  if (!is_usable()) return drop_connection();
  Progress progress = Progress::done;
  Failure ignored;
  while (progress == Progress::done) progress = agent_connection->advance(true, ignored);
  if (progress == Progress::failed) drop_connection();
}

Standing standing_of(const backend::RoleKey& key) {
  if (agent_connection == nullptr) return {};
  return {connections, agent_connection->find_context(key), agent_connection->epoch()};
}

const wire::Limits* known_limits() {
  return agent_connection != nullptr && agent_connection->limits_known()
             ? &agent_connection->limits()
             : nullptr;
}

bool wait_for_answer(AgentConnection& asked, Deadline deadline, Failure& failure) {
  Waited waited = try_wait_for_answer(asked, deadline, failure);
  if (waited != Waited::timed_out) return waited == Waited::answered;
  drop_connection();
  raise(Code::timeout,
        psprintf("no answer within nae.request_timeout (%d ms)", settings.request_timeout_ms));
}

Waited try_wait_for_answer(AgentConnection& asked, Deadline deadline, Failure& failure) {
  bool readable = false;
  for (;;) {
    Progress progress = asked.advance(readable, failure);
    if (progress == Progress::done) return Waited::answered;
    if (progress == Progress::failed) return Waited::broken;
    uint32 wanted = WL_SOCKET_READABLE;
    if (progress == Progress::wants_to_write) wanted |= WL_SOCKET_WRITEABLE;
    if (wanted != awaited) {
      ModifyWaitEvent(events, socket_position, wanted, nullptr);
      awaited = wanted;
    }
    WaitEvent occurred[2];
    int count = WaitEventSetWait(events, deadline.remaining_ms(), occurred, 2, PG_WAIT_EXTENSION);
    readable = false;
    for (int i = 0; i < count; ++i) {
      if (occurred[i].events & WL_SOCKET_READABLE) readable = true;
      if (occurred[i].events & WL_LATCH_SET) ResetLatch(MyLatch);
    }
    CHECK_FOR_INTERRUPTS();
    if (count == 0 && deadline.passed()) return Waited::timed_out;
  }
}

}  // namespace nae::pg
