#include "net/reception.hpp"

#include "net/connection.hpp"

namespace nae::net {
namespace {

// Others give memory back when their message is complete, which is soon; nobody is told of it.
constexpr std::chrono::milliseconds kLookInterval{10};

}  // namespace

Reception::Reception(Connection& connection, MemoryBudget::Share memory,
                     std::chrono::milliseconds time, std::function<void(Error)> refuse)
    : connection_(connection),
      memory_(std::move(memory)),
      time_(time),
      refuse_(std::move(refuse)),
      deadline_(connection, time, [this] { late(); }),
      memory_timer_(connection.loop()) {}

void Reception::set_time(std::chrono::milliseconds time) {
  time_ = time;
  deadline_.set_time(time);
}

void Reception::progress(bool under_way, bool fresh, std::size_t bytes) {
  deadline_.watch(under_way, fresh);
  wanted_ = bytes;
  if (waits_for_memory_ || memory_.hold(bytes)) return;
  waits_for_memory_ = true;
  connection_.pause_reading();
  wait_for_memory();
}

void Reception::wait_for_memory() {
  memory_timer_.expires_after(kLookInterval);
  memory_timer_.async_wait(
      [this, weak = connection_.weak_from_this()](const boost::system::error_code& error) {
        auto connection = weak.lock();
        if (error || !connection || !connection->is_open()) return;
        if (!memory_.hold(wanted_)) return wait_for_memory();
        waits_for_memory_ = false;
        connection->resume_reading();
      });
}

void Reception::late() {
  if (waits_for_memory_)
    return refuse_(Error(Code::overloaded, "there was no memory for a message of " +
                                               std::to_string(wanted_) + " bytes for " +
                                               std::to_string(time_.count()) + " ms"));
  refuse_(Error(Code::timeout,
                "a message was not complete within " + std::to_string(time_.count()) + " ms"));
}

void Reception::cancel() {
  deadline_.cancel();
  memory_timer_.cancel();
  (void)memory_.hold(0);
}

}  // namespace nae::net
