#include "keyserver/admin/admin_workers.hpp"

namespace nae::admin {

AdminWorkers::AdminWorkers(std::size_t threads, std::size_t capacity, AtEnd at_end)
    : capacity_(capacity), at_end_(at_end) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

AdminWorkers::~AdminWorkers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (at_end_ == AtEnd::drop) jobs_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool AdminWorkers::submit(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= capacity_) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void AdminWorkers::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace nae::admin
