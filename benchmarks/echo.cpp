// What does the transport alone cost? A frame of 100 bytes to a TLS 1.3 echo and back.
#include <cstdio>

#include "benchmarks/measure.hpp"
#include "benchmarks/tls_echo.hpp"

int main() {
  using namespace nae::benchmarks;
  TlsEchoServer server;
  std::printf("%8s %10s %10s %12s %16s\n", "clients", "p50 us", "p99 us", "requests/s",
              "server CPU us");
  for (std::size_t clients : {1u, 4u, 16u, 64u}) {
    // One client waits for each answer: both ends on one core, or the wake-up is what is measured.
    int core = clients == 1 ? 0 : -1;
    pin(::getpid(), core);
    pin(server.process(), core);
    Channels channels = server.connect(clients);
    std::uint64_t cpu = cpu_ns(server.process());
    LoopFigures figures = closed_loop(channels, {});
    cpu = cpu_ns(server.process()) - cpu;
    std::printf("%8zu %10.1f %10.1f %12.0f %16.1f\n", clients, figures.p50_us, figures.p99_us,
                figures.requests_per_second,
                static_cast<double>(cpu) / 1000.0 / static_cast<double>(figures.all_requests));
  }
}
