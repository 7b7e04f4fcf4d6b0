#include "keyserver/hsm/hsm_queue.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <map>
#include <thread>
#include <vector>

namespace nae::hsm {
namespace {

using Clock = std::chrono::steady_clock;

// Failures that say that nothing will work until the HSM is back.
bool means_away(Code code) {
  switch (code) {
    case Code::hsm_unavailable:
    case Code::hsm_pin_rejected:
    case Code::hsm_module_missing:
    case Code::hsm_token_missing:
    case Code::group_key_missing:
      return true;
    default:
      return false;
  }
}

bool is_of_the_hsm(Code code) {
  return means_away(code) || code == Code::hsm_failed || code == Code::hsm_token_full;
}

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

}  // namespace

struct HsmQueue::Job {
  std::function<std::optional<Error>(keys::Hsm&)> run;
  Expire expire;                              // empty: nobody waits
  std::optional<Clock::time_point> deadline;  // empty: none
};

// Jobs in the order in which they are to run: the parties take turns, each has its own line.
class HsmQueue::Lines {
 public:
  using JobPointer = std::shared_ptr<Job>;

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t size_of(std::string_view party) const {
    auto found = lines_.find(party);
    return found == lines_.end() ? 0 : found->second.size();
  }
  void push(std::string_view party, JobPointer job) {
    auto found = lines_.find(party);
    if (found == lines_.end()) {
      found = lines_.emplace(std::string(party), std::deque<JobPointer>()).first;
      turns_.push_back(found);
    }
    found->second.push_back(std::move(job));
    ++size_;
  }
  // Of a queue that is not empty.
  JobPointer pop() {
    Line turn = turns_.front();
    turns_.pop_front();
    JobPointer job = std::move(turn->second.front());
    turn->second.pop_front();
    --size_;
    if (turn->second.empty())
      lines_.erase(turn);
    else
      turns_.push_back(turn);
    return job;
  }
  template <class Predicate>
  std::vector<JobPointer> take_where(Predicate wanted) {
    std::vector<JobPointer> taken;
    for (auto& [party, jobs] : lines_)
      std::erase_if(jobs, [&](const JobPointer& job) {
        if (!wanted(job)) return false;
        taken.push_back(job);
        return true;
      });
    size_ -= taken.size();
    std::erase_if(turns_, [](Line line) { return line->second.empty(); });
    std::erase_if(lines_, [](const auto& line) { return line.second.empty(); });
    return taken;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [party, jobs] : lines_)
      for (const JobPointer& job : jobs) visit(*job);
  }
  std::vector<Waiting> waiting() const {
    std::vector<Waiting> all;
    for (const auto& [party, jobs] : lines_) all.push_back({party, jobs.size()});
    return all;
  }

 private:
  using ByParty = std::map<std::string, std::deque<JobPointer>, std::less<>>;
  using Line = ByParty::iterator;
  ByParty lines_;           // none is empty
  std::deque<Line> turns_;  // each line once
  std::size_t size_ = 0;
};

struct HsmQueue::State {
  std::unique_ptr<keys::Hsm> hsm;  // used by the worker alone
  Options options;
  std::thread worker, watcher;

  std::mutex lock;
  std::condition_variable work_changed, watch_changed, worker_ended;
  Lines waiting;
  std::shared_ptr<Job> running;
  Clock::time_point running_since;
  bool caller_told = false;  // the running job's deadline has passed
  bool hanging = false;      // the running job takes longer than any should
  bool given_up = false;
  bool stopping = false, ended = false;
  std::optional<bool> stopped_clean;
  Clock::time_point watched_until = Clock::time_point::max();

  bool healthy = true;
  std::optional<Error> last_error;
  milliseconds retry{0};
  Clock::time_point next_check;

  Health health() const;  // this and the next under the lock
  bool has_room(std::string_view party) const {
    return waiting.size() < options.capacity && waiting.size_of(party) < options.capacity_per_party;
  }
  void report(std::unique_lock<std::mutex>& held);
  void work();
  void settle(std::unique_lock<std::mutex>& held, bool was_check,
              const std::optional<Error>& error);
  void mark_away(std::unique_lock<std::mutex>& held, Error error);
  void watch();
  Clock::time_point next_deadline() const;
};

Health HsmQueue::State::health() const {
  return {healthy, last_error, waiting.size(), running ? since(running_since) : milliseconds{0}};
}

void HsmQueue::State::report(std::unique_lock<std::mutex>& held) {
  if (!options.on_health_change) return;
  const Health now = health();
  held.unlock();
  options.on_health_change(now);
  held.lock();
}

void HsmQueue::State::work() {
  const auto check = std::make_shared<Job>();
  check->run = [](keys::Hsm& module) -> std::optional<Error> {
    auto checked = module.check();
    return checked ? std::nullopt : std::optional(checked.error());
  };
  std::unique_lock held(lock);
  for (;;) {
    work_changed.wait_until(held, next_check, [&] { return stopping || !waiting.empty(); });
    if (stopping) break;
    const bool check_due = Clock::now() >= next_check && (waiting.empty() || !healthy);
    if (waiting.empty() && !check_due) continue;
    std::shared_ptr<Job> job = check;
    if (!check_due) {
      job = waiting.pop();
    }
    running = job;
    running_since = Clock::now();
    if (running_since + std::min(options.hang_after, options.give_up) < watched_until)
      watch_changed.notify_one();
    held.unlock();

    std::optional<Error> error;
    try {
      error = job->run(*hsm);
    } catch (const std::exception& thrown) {
      error = Error(Code::internal, std::string("in a job of the HSM: ") + thrown.what());
      if (job->expire) job->expire(*error);
    }

    held.lock();
    std::shared_ptr<Job> finished = std::move(running);
    settle(held, check_due, error);
    held.unlock();
    job.reset();
    finished
        .reset();  // outside the lock: what the job holds on to may do anything in its destructor
    held.lock();
  }
  ended = true;
  worker_ended.notify_all();
}

// Health turns bad by any job, good by a check alone: other jobs may succeed without the HSM.
void HsmQueue::State::settle(std::unique_lock<std::mutex>& held, bool was_check,
                             const std::optional<Error>& error) {
  const auto now = Clock::now();
  const bool hung = std::exchange(hanging, false);
  caller_told = false;
  if (error && is_of_the_hsm(error->code)) last_error = *error;
  if (error && means_away(error->code)) {
    if (was_check || healthy) {
      retry = retry == milliseconds{0} ? options.first_retry
                                       : std::min(retry * 2, options.longest_retry);
      next_check = now + retry;
    }
    mark_away(held, *error);
  } else if (was_check && !error) {
    const bool turned = !std::exchange(healthy, true);
    retry = milliseconds{0};
    next_check = now + options.check_interval;
    if (turned) report(held);
  } else if (hung) {
    next_check = now;  // it answers again: see whether it works
  } else if (healthy || was_check) {
    next_check = now + options.check_interval;
  }
}

void HsmQueue::State::mark_away(std::unique_lock<std::mutex>& held, Error error) {
  last_error = std::move(error);
  if (std::exchange(healthy, false)) report(held);
}

Clock::time_point HsmQueue::State::next_deadline() const {
  auto next = Clock::time_point::max();
  waiting.for_each([&](const Job& job) {
    if (job.deadline) next = std::min(next, *job.deadline);
  });
  if (running && running->deadline && !caller_told) next = std::min(next, *running->deadline);
  if (running && !hanging) next = std::min(next, running_since + options.hang_after);
  if (running && options.on_give_up && !given_up)
    next = std::min(next, running_since + options.give_up);
  return next;
}

void HsmQueue::State::watch() {
  std::unique_lock held(lock);
  while (!stopped_clean) {
    watched_until = next_deadline();
    if (watched_until == Clock::time_point::max())
      watch_changed.wait(held);
    else
      watch_changed.wait_until(held, watched_until);

    const auto now = Clock::now();
    const auto late = [&](const std::shared_ptr<Job>& job) {
      return job->deadline && *job->deadline <= now;
    };
    std::vector<std::shared_ptr<Job>> expired = waiting.take_where(late);
    const Error silent(Code::hsm_unavailable, "the HSM module does not answer");
    const bool hangs_now = running && !hanging && now - running_since >= options.hang_after;
    hanging = hanging || hangs_now;
    std::shared_ptr<Job> late_running;
    if (running && !caller_told && running->expire && (hangs_now || late(running))) {
      late_running = running;
      caller_told = true;
    }
    const Error unbegun = hanging ? silent : Error(Code::timeout, "the HSM was busy");
    if (hangs_now) mark_away(held, silent);
    const bool gives_up =
        running && options.on_give_up && !given_up && now - running_since >= options.give_up;
    given_up = given_up || gives_up;
    held.unlock();
    if (late_running) late_running->expire(silent);
    for (const auto& job : expired) job->expire(unbegun);
    expired.clear();
    late_running.reset();
    if (gives_up) options.on_give_up();  // those who waited have their answer
    held.lock();
  }
}

HsmQueue::HsmQueue(std::unique_ptr<keys::Hsm> hsm, Options options)
    : state_(std::make_shared<State>()) {
  state_->hsm = std::move(hsm);
  state_->options = std::move(options);
  state_->next_check = Clock::now() + state_->options.check_interval;
  state_->worker = std::thread([state = state_] { state->work(); });
  state_->watcher = std::thread([state = state_] { state->watch(); });
}

HsmQueue::~HsmQueue() {
  stop();
}

bool HsmQueue::submit(std::function<void(keys::Hsm&)> job) {
  return enqueue(
      [job = std::move(job)](keys::Hsm& hsm) -> std::optional<Error> {
        job(hsm);
        return std::nullopt;
      },
      {}, std::nullopt, {});
}

bool HsmQueue::enqueue(std::function<std::optional<Error>(keys::Hsm&)> run, Expire expire,
                       std::optional<milliseconds> deadline, std::string_view party) {
  auto job = std::make_shared<Job>();
  job->run = std::move(run);
  job->expire = std::move(expire);
  if (deadline) job->deadline = Clock::now() + *deadline;
  std::lock_guard held(state_->lock);
  // Nothing is queued behind a module that hangs: its callers learn at once what the first learned
  // at the deadline.
  if (state_->stopping || state_->hanging || !state_->has_room(party)) return false;
  if (job->deadline && *job->deadline < state_->watched_until) state_->watch_changed.notify_one();
  state_->waiting.push(party, std::move(job));
  state_->work_changed.notify_one();
  return true;
}

Error HsmQueue::refusal(std::string_view party) const {
  std::lock_guard held(state_->lock);
  if (state_->stopping) return Error(Code::shutting_down, "the HSM queue is stopping");
  if (state_->hanging) return Error(Code::hsm_unavailable, "the HSM module does not answer");
  if (state_->waiting.size() < state_->options.capacity)
    return Error(Code::overloaded, "too many requests of " +
                                       (party.empty() ? "the server itself"
                                                      : "device \"" + std::string(party) + "\"") +
                                       " wait for the HSM");
  return Error(Code::overloaded, "the HSM queue is full");
}

Health HsmQueue::health() const {
  std::lock_guard held(state_->lock);
  return state_->health();
}

std::vector<Waiting> HsmQueue::waiting() const {
  std::lock_guard held(state_->lock);
  return state_->waiting.waiting();
}

bool HsmQueue::stop() {
  std::vector<std::shared_ptr<Job>> unbegun;
  {
    std::lock_guard held(state_->lock);
    if (state_->stopped_clean) return *state_->stopped_clean;
    state_->stopping = true;
    unbegun = state_->waiting.take_where([](const auto&) { return true; });
  }
  state_->work_changed.notify_all();
  const Error stopping(Code::shutting_down, "the HSM queue is stopping");
  for (const auto& job : unbegun)
    if (job->expire) job->expire(stopping);

  std::shared_ptr<Job> left_behind;
  std::unique_lock held(state_->lock);
  const bool clean = state_->worker_ended.wait_for(held, state_->options.stop_grace,
                                                   [&] { return state_->ended; });
  if (!clean) left_behind = state_->running;
  state_->stopped_clean = clean;
  held.unlock();
  state_->watch_changed.notify_all();
  state_->watcher.join();
  if (clean) {
    state_->worker.join();
  } else {
    // It owns a share of the state, and with it the HSM, for as long as it hangs.
    state_->worker.detach();
    if (left_behind && left_behind->expire)
      left_behind->expire(Error(Code::hsm_unavailable, "the HSM module does not answer"));
  }
  return clean;
}

}  // namespace nae::hsm
