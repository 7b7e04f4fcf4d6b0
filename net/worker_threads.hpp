// WorkerThreads: threads that each run an event loop of their own. A connection stays on one.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace nae::net {

class WorkerThreads {
 public:
  // `name` shows in top and debuggers, cut to 15 characters.
  WorkerThreads(std::size_t count, const std::string& name);
  ~WorkerThreads();  // stop() and join
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  std::size_t size() const { return workers_.size(); }
  boost::asio::io_context& loop(std::size_t worker) { return workers_[worker]->loop; }
  // Ends the loops without waiting for their work, and joins. Idempotent.
  void stop();

 private:
  struct Worker {
    boost::asio::io_context loop{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep{
        loop.get_executor()};
    std::thread thread;
  };
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace nae::net
