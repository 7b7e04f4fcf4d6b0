// AdminWorkers: the threads that administrative calls run on. A call may wait for the HSM or the
// disk, and must not hold up the cryptography that its connection's thread serves.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nae::admin {

class AdminWorkers {
 public:
  enum class AtEnd { drop, run };  // what waits when the workers end
  AdminWorkers(std::size_t threads, std::size_t capacity, AtEnd at_end = AtEnd::drop);
  ~AdminWorkers();  // what runs is finished
  AdminWorkers(const AdminWorkers&) = delete;
  AdminWorkers& operator=(const AdminWorkers&) = delete;

  // False when `capacity` jobs wait already.
  bool submit(std::function<void()> job);

 private:
  void run();

  const std::size_t capacity_;
  const AtEnd at_end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nae::admin
