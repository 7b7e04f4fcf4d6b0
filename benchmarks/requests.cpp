// What does a one-row request cost, through agent, TLS, policy, key server and audit? Beside it
// the raw TLS echo with as many clients, pinned alike, in the same run and by turns with it.
//   nae-benchmark-requests SOCKET KEY AGENT_PID KEYSERVER_PID
#include <array>
#include <cstdio>
#include <string>

#include "benchmarks/measure.hpp"
#include "benchmarks/nae_client.hpp"
#include "benchmarks/tls_echo.hpp"

namespace {

using namespace nae::benchmarks;

constexpr int kRounds = 5;
constexpr Bounds kBounds{0.6, 200'000};
constexpr std::size_t kItemBytes = 32;

struct Servers {
  pid_t agent;
  pid_t keyserver;
  pid_t echo;
};

struct Series {
  std::vector<double> p50_us, p99_us, per_second, client_us, agent_us, keyserver_us;
};

void measure(Channels& channels, const Servers& servers, Series& series) {
  auto cpu = [&] {
    return std::array{cpu_ns(::getpid()), cpu_ns(servers.agent), cpu_ns(servers.keyserver)};
  };
  auto before = cpu();
  LoopFigures figures = closed_loop(channels, kBounds);
  auto after = cpu();
  auto each = [&](std::size_t i) {
    return static_cast<double>(after[i] - before[i]) / 1000.0 /
           static_cast<double>(figures.all_requests);
  };
  series.p50_us.push_back(figures.p50_us);
  series.p99_us.push_back(figures.p99_us);
  series.per_second.push_back(figures.requests_per_second);
  series.client_us.push_back(each(0));
  series.agent_us.push_back(each(1));
  series.keyserver_us.push_back(each(2));
}

void print(std::size_t clients, const char* what, const Series& series, const Series& echo) {
  bool is_echo = &series == &echo;
  double p50 = median(series.p50_us), per_second = median(series.per_second);
  std::printf("%7zu  %-8s %8.1f %8.1f %11.0f %8.1f", clients, what, p50, median(series.p99_us),
              per_second, median(series.client_us));
  if (is_echo) {
    std::printf("\n");
    return;
  }
  std::printf(" %7.1f %10.2f %9.2f %9.2f\n", median(series.agent_us), median(series.keyserver_us),
              p50 / median(echo.p50_us), per_second / median(echo.per_second));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) give_up("usage: nae-benchmark-requests SOCKET KEY AGENT_PID KEYSERVER_PID");
  const std::string socket_path = argv[1];
  TlsEchoServer echo_server;
  const Servers servers{std::stoi(argv[3]), std::stoi(argv[4]), echo_server.process()};
  const Work encryption = encrypt_work(argv[2], 1, kItemBytes);
  const Work decryption = decrypt_work(socket_path, encryption);

  std::printf("one row of %zu bytes; CPU in us a request\n", kItemBytes);
  std::printf("%7s  %-8s %8s %8s %11s %8s %7s %10s %9s %9s\n", "clients", "what", "p50 us",
              "p99 us", "requests/s", "client", "agent", "keyserver", "p50:echo", "req:echo");
  for (std::size_t clients : {1u, 4u, 16u, 64u}) {
    int core = clients == 1 ? 0 : -1;
    for (pid_t process : {::getpid(), servers.agent, servers.keyserver, servers.echo})
      pin(process, core);
    Series echo, encrypt, decrypt;
    Channels echo_clients = echo_server.connect(clients);
    Channels encrypting = connect_clients(socket_path, clients, encryption);
    Channels decrypting = connect_clients(socket_path, clients, decryption);
    for (int round = 0; round < kRounds; ++round) {
      measure(echo_clients, servers, echo);
      measure(encrypting, servers, encrypt);
      measure(decrypting, servers, decrypt);
    }
    print(clients, "echo", echo, echo);
    print(clients, "encrypt", encrypt, echo);
    print(clients, "decrypt", decrypt, echo);
  }
  for (pid_t process : {servers.agent, servers.keyserver}) pin(process, -1);
}
