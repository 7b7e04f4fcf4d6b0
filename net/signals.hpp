// Signals as events: SIGTERM and SIGINT ask for a stop, SIGHUP for a reload. A signal that comes
// while nobody waits for it, or to a loop that has ended, stays pending in the kernel until the
// next Signals reads it: none is lost between two parts of one process (signalfd(2)).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>

namespace nae::net {

// Blocks these signals in the calling thread and in all that it makes, for good, and ignores
// SIGPIPE. Called before a program makes its first thread: one that does not block them is ended by
// them.
void hold_signals();

class Signals {
 public:
  // The callbacks run on `loop`. A second stop signal calls `on_stop` again. Holds the signals, as
  // above. Throws boost::system::system_error when there is no descriptor left.
  Signals(boost::asio::io_context& loop, std::function<void(int signal)> on_stop,
          std::function<void()> on_reload);

 private:
  void wait();
  // The next one that is pending, 0 when none is.
  int take();

  boost::asio::posix::stream_descriptor pending_;
  std::function<void(int)> on_stop_;
  std::function<void()> on_reload_;
};

}  // namespace nae::net
