// HsmQueue: the one thread that talks to the HSM, and the promise that nobody else waits for it
// without end, nor longer because another asks much: the parties that ask take turns. A vendor's
// module may hang: callers then get an error at their deadline, the thread
// is left behind at stop, and what it finally answers goes nowhere.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "keyserver/keys/hsm.hpp"

namespace nae::hsm {

using std::chrono::milliseconds;

// Jobs of one party that wait.
struct Waiting {
  std::string party;
  std::size_t jobs = 0;
};

struct Health {
  bool healthy = true;              // the last thing asked of the HSM did not find it away
  std::optional<Error> last_error;  // the last one of the HSM's own, kept after recovery
  std::size_t depth = 0;            // jobs waiting
  milliseconds busy_for{0};         // how long the running job has been running
};

class HsmQueue {
 public:
  struct Options {
    std::size_t capacity = 4096;
    std::size_t capacity_per_party = 1024;
    milliseconds check_interval{10'000};  // of keys::Hsm::check() while nothing else is asked
    milliseconds first_retry{250};        // of check() while unhealthy, doubled up to the next
    milliseconds longest_retry{1'000};    // what was mended is noticed within a second
    // A job running for this long means that the module hangs: what waits behind it is refused.
    // RSA-4096 pairs take seconds in software.
    milliseconds hang_after{20'000};
    // Called once, from the queue's watching thread, for a job that has been running for `give_up`:
    // nothing ends a call inside a module but the end of its process. Empty: never.
    milliseconds give_up{60'000};
    std::function<void()> on_give_up;
    milliseconds stop_grace{5'000};
    // Called from the queue's threads when health turns; for the log.
    std::function<void(const Health&)> on_health_change;
  };

  explicit HsmQueue(std::unique_ptr<keys::Hsm> hsm) : HsmQueue(std::move(hsm), Options{}) {}
  HsmQueue(std::unique_ptr<keys::Hsm> hsm, Options options);
  ~HsmQueue();  // stop()
  HsmQueue(const HsmQueue&) = delete;
  HsmQueue& operator=(const HsmQueue&) = delete;

  // False when the queue is full, stopped or behind a module that hangs. The job may never run
  // when the module hangs: where somebody waits for the answer use ask().
  bool submit(std::function<void(keys::Hsm&)> job);

  // `work` runs on the HSM's thread; `done` is called exactly once, with its result there, or at
  // the deadline on the watching thread with Code::timeout (not begun) or Code::hsm_unavailable
  // (begun and hanging). A full queue calls it at once with Code::overloaded, a stopped one with
  // Code::shutting_down, one whose module hangs with Code::hsm_unavailable. `work` may run after
  // `done`: it refers to nothing of the caller's frame. `party`: on whose behalf, such as a device;
  // parties take turns, job by job, and none can fill the queue. "" is the server itself.
  template <class T>
  void ask(std::function<Result<T>(keys::Hsm&)> work, std::function<void(Result<T>)> done,
           milliseconds deadline, std::string_view party = {});

  // The blocking form. Not from the HSM's thread.
  template <class Work>
  auto call(Work work, milliseconds deadline) -> std::invoke_result_t<Work&, keys::Hsm&>;

  Health health() const;
  std::vector<Waiting> waiting() const;  // parties that wait for nothing are left out

  // Refuses new jobs, fails the waiting ones with Code::shutting_down, waits `stop_grace` for the
  // running one. False when that one hangs: its thread and the HSM are then left as they are.
  bool stop();

 private:
  struct Job;
  class Lines;
  struct State;
  using Expire = std::function<void(const Error&)>;

  // False, and neither function called, when full or stopped.
  bool enqueue(std::function<std::optional<Error>(keys::Hsm&)> run, Expire expire,
               std::optional<milliseconds> deadline, std::string_view party);
  Error refusal(std::string_view party) const;

  std::shared_ptr<State> state_;  // shared with the threads: a hanging one outlives the queue
};

template <class T>
void HsmQueue::ask(std::function<Result<T>(keys::Hsm&)> work, std::function<void(Result<T>)> done,
                   milliseconds deadline, std::string_view party) {
  struct Answer {
    std::atomic<bool> given = false;
    std::function<void(Result<T>)> done;
    void give(Result<T> result) {
      if (!given.exchange(true)) done(std::move(result));
    }
  };
  auto answer = std::make_shared<Answer>();
  answer->done = std::move(done);
  const bool queued = enqueue(
      [answer, work = std::move(work)](keys::Hsm& hsm) -> std::optional<Error> {
        Result<T> result = work(hsm);
        std::optional<Error> error;
        if (!result) error = result.error();
        answer->give(std::move(result));
        return error;
      },
      [answer](const Error& error) { answer->give(fail(error)); }, deadline, party);
  if (!queued) answer->give(fail(refusal(party)));
}

template <class Work>
auto HsmQueue::call(Work work, milliseconds deadline) -> std::invoke_result_t<Work&, keys::Hsm&> {
  using Answer = std::invoke_result_t<Work&, keys::Hsm&>;
  using T = typename Answer::value_type;
  struct Caller {
    std::mutex lock;
    std::condition_variable changed;
    std::optional<Answer> answer;
  };
  auto waiting = std::make_shared<Caller>();
  ask<T>(
      std::move(work),
      [waiting](Answer answer) {
        {
          std::lock_guard guard(waiting->lock);
          waiting->answer = std::move(answer);
        }
        waiting->changed.notify_one();
      },
      deadline);
  std::unique_lock guard(waiting->lock);
  waiting->changed.wait(guard, [&] { return waiting->answer.has_value(); });
  return std::move(*waiting->answer);
}

}  // namespace nae::hsm
