#include "net/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace nae::net {
namespace {

sigset_t held() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

int descriptor_of_held() {
  hold_signals();
  const sigset_t signals = held();
  const int descriptor = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor < 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "signalfd");
  return descriptor;
}

}  // namespace

void hold_signals() {
  const sigset_t signals = held();
  // Both fail for numbers alone that are no signals.
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &signals, nullptr));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
}

Signals::Signals(boost::asio::io_context& loop, std::function<void(int)> on_stop,
                 std::function<void()> on_reload)
    : pending_(loop, descriptor_of_held()),
      on_stop_(std::move(on_stop)),
      on_reload_(std::move(on_reload)) {
  wait();
}

void Signals::wait() {
  pending_.async_wait(pending_.wait_read, [this](const boost::system::error_code& error) {
    if (error) return;  // cancelled: this object is going away
    const int signal = take();
    wait();
    if (signal == SIGHUP)
      on_reload_();
    else if (signal != 0)
      on_stop_(signal);
  });
}

int Signals::take() {
  signalfd_siginfo told;
  const auto size = ::read(pending_.native_handle(), &told, sizeof told);
  return size == static_cast<ssize_t>(sizeof told) ? static_cast<int>(told.ssi_signo) : 0;
}

}  // namespace nae::net
