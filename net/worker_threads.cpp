#include "net/worker_threads.hpp"

#include <pthread.h>

#include "net/run_loop.hpp"

namespace nae::net {

WorkerThreads::WorkerThreads(std::size_t count, const std::string& name) {
  constexpr std::size_t kLongestThreadName = 15;
  std::string short_name = name.substr(0, kLongestThreadName);
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.thread = std::thread([&worker] { run_loop(worker.loop); });
    ::pthread_setname_np(worker.thread.native_handle(), short_name.c_str());
  }
}

WorkerThreads::~WorkerThreads() {
  stop();
}

void WorkerThreads::stop() {
  for (auto& worker : workers_) {
    worker->keep.reset();
    worker->loop.stop();
  }
  for (auto& worker : workers_)
    if (worker->thread.joinable()) worker->thread.join();
}

}  // namespace nae::net
