#include "benchmarks/closed_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "benchmarks/measure.hpp"

namespace nae::benchmarks {
namespace {

constexpr int kMostEvents = 64;
constexpr double kWarmUpShare = 0.15;
constexpr int kAnswerDeadlineMs = 20'000;

}  // namespace

LoopFigures closed_loop(Channels& channels, const Bounds& bounds) {
  int poller = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (::epoll_ctl(poller, EPOLL_CTL_ADD, channels[i]->descriptor(), &event) != 0)
      give_up("epoll_ctl");
  }
  const std::uint64_t begin = now_ns();
  const auto length = static_cast<std::uint64_t>(bounds.seconds * 1e9);
  const auto warm = begin + static_cast<std::uint64_t>(kWarmUpShare * static_cast<double>(length));
  std::vector<std::uint64_t> sent_at(channels.size());
  std::vector<std::uint32_t> latencies_ns;
  latencies_ns.reserve(1u << 20);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    sent_at[i] = now_ns();
    channels[i]->send();
  }
  std::size_t under_way = channels.size();
  std::uint64_t last = warm, answered = 0;
  epoll_event events[kMostEvents];
  while (under_way > 0) {
    int ready = ::epoll_wait(poller, events, kMostEvents, kAnswerDeadlineMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) give_up("a request was not answered");
    for (int e = 0; e < ready; ++e) {
      const std::size_t i = events[e].data.u64;
      if (!channels[i]->receive()) continue;
      const std::uint64_t now = now_ns();
      ++answered;
      if (now >= warm) {
        latencies_ns.push_back(static_cast<std::uint32_t>(now - sent_at[i]));
        last = now;
      }
      if (now - begin >= length || latencies_ns.size() >= bounds.requests) {
        --under_way;
        continue;
      }
      sent_at[i] = now;
      channels[i]->send();
    }
  }
  ::close(poller);
  LoopFigures figures;
  figures.all_requests = answered;
  figures.requests_per_second =
      static_cast<double>(latencies_ns.size()) / (static_cast<double>(last - warm) * 1e-9);
  figures.p50_us = percentile(latencies_ns, 0.50) / 1000.0;
  figures.p99_us = percentile(std::move(latencies_ns), 0.99) / 1000.0;
  return figures;
}

}  // namespace nae::benchmarks
