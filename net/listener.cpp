#include "net/listener.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace nae::net {
namespace {

struct Drained {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;

  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, time, [this] { return done; });
  }
};

// Closing takes a turn of each event loop; a loop that hangs must not hang the stop.
constexpr std::chrono::milliseconds kAbortTime{2000};

using Clock = std::chrono::steady_clock;

// Shared by functions that were posted to event loops; ends with the last of them, run or not.
class Turn {
 public:
  ~Turn() { ended_.set_value(); }
  std::future<void> ended() { return ended_.get_future(); }

 private:
  std::promise<void> ended_;
};

struct Undelivered {
  std::shared_ptr<Connection> connection;
  Connection::OutputMark mark;
  std::atomic<bool> done = false;
};

struct UndeliveredList {
  std::mutex mutex;
  std::vector<std::shared_ptr<Undelivered>> list;
};

// The kernel tells nobody of an acknowledgement; it takes a round trip, or the peer's 40 ms.
constexpr std::chrono::milliseconds kLookInterval{2};

// One look at each; forgets those that are done. False when a thread did not answer.
bool look(std::vector<std::shared_ptr<Undelivered>>& list, bool late, Clock::time_point until) {
  auto turn = std::make_shared<Turn>();
  std::future<void> ended = turn->ended();
  for (const auto& one : list)
    one->connection->post([one, late, turn](Connection& connection) {
      one->done = connection.delivered(one->mark) || late;
      if (late && !connection.delivered(one->mark))
        connection.cut(Error(Code::timeout, "the peer does not take its answers"));
    });
  turn.reset();
  if (ended.wait_until(until) != std::future_status::ready) return false;
  std::erase_if(list, [](const auto& one) { return one->done.load(); });
  return true;
}

}  // namespace

// Whatever was decided before the call is answered in the turn of the event loop in which it was
// decided, or was not decided for good: one more turn of every loop is enough to wait for.
bool Listener::settle(std::string_view protocol, std::chrono::milliseconds time) {
  const auto deadline = Clock::now() + time;
  auto undelivered = std::make_shared<UndeliveredList>();
  auto turn = std::make_shared<Turn>();
  std::future<void> ended = turn->ended();
  for_each([undelivered, turn, name = std::string(protocol)](Connection& connection) {
    if (connection.protocol_name() != name) return;
    connection.flush();
    auto one = std::make_shared<Undelivered>();
    one->mark = connection.output_mark();
    if (connection.delivered(one->mark)) return;
    one->connection = connection.shared_from_this();
    std::lock_guard lock(undelivered->mutex);
    undelivered->list.push_back(std::move(one));
  });
  turn.reset();
  if (ended.wait_until(deadline) != std::future_status::ready) return false;
  auto list = std::move(undelivered->list);
  while (!list.empty()) {
    std::this_thread::sleep_for(kLookInterval);
    const bool late = Clock::now() >= deadline;
    if (!look(list, late, deadline + kAbortTime)) return false;
  }
  return true;
}

std::size_t Listener::stop(std::chrono::milliseconds deadline) {
  auto drained = std::make_shared<Drained>();
  begin_stop([drained] {
    std::lock_guard lock(drained->mutex);
    drained->done = true;
    drained->changed.notify_all();
  });
  if (drained->wait_for(deadline)) return 0;
  std::size_t cut = connections();
  abort_all(Error(Code::shutting_down, "this side is shutting down"));
  drained->wait_for(kAbortTime);
  return cut;
}

}  // namespace nae::net
