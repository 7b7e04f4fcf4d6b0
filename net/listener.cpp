#include "net/listener.hpp"

#include <condition_variable>
#include <mutex>

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

}  // namespace

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
