// TLS handshakes a second of servers, by 16 clients that resume nothing, in turns: what it costs a
// web server that its private key is elsewhere. The clients take CPU of the same machine, from all
// servers alike.
//   nae-benchmark-handshakes KEY=NAME=PORT...   of each key the first beside the last
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRounds = 5, kClients = 16;
constexpr std::chrono::milliseconds kRound{2000};

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "handshakes: %s\n", what.c_str());
  std::exit(1);
}

struct Server {
  std::string key, name;
  std::uint16_t port;
};

Server server_of(const std::string& word) {
  const std::size_t first = word.find('='), last = word.rfind('=');
  if (first == last) give_up("KEY=NAME=PORT");
  return {word.substr(0, first), word.substr(first + 1, last - first - 1),
          static_cast<std::uint16_t>(std::stoi(word.substr(last + 1)))};
}

// TLS 1.3: the last that the client sends is its Finished, so the server's signature was made.
bool shakes_hands(SSL_CTX* context, std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context), SSL_free);
  const bool done =
      socket >= 0 && tls &&
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      SSL_set_fd(tls.get(), socket) == 1 && SSL_connect(tls.get()) == 1;
  if (done) SSL_shutdown(tls.get());
  if (socket >= 0) ::close(socket);
  return done;
}

double per_second(SSL_CTX* context, const Server& server) {
  std::vector<long> done(kClients);
  std::vector<std::thread> clients;
  const auto start = Clock::now();
  for (long& count : done)
    clients.emplace_back([&count, context, &server, start] {
      for (; Clock::now() < start + kRound; ++count)
        if (!shakes_hands(context, server.port))
          give_up("a handshake with " + server.key + " of " + server.name +
                  " failed: " + ERR_error_string(ERR_peek_error(), nullptr));
    });
  for (std::thread& client : clients) client.join();
  const std::chrono::duration<double> took = Clock::now() - start;
  long total = 0;
  for (const long count : done) total += count;
  return static_cast<double>(total) / took.count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  if (!context) give_up("no TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  std::map<std::string, std::vector<Server>> keys;
  for (int i = 1; i < argc; ++i) {
    Server server = server_of(argv[i]);
    keys[server.key].push_back(std::move(server));
  }
  std::printf("handshakes a second, %d clients\n", kClients);
  for (const auto& [key, servers] : keys) {
    std::map<std::string, std::vector<double>> measured;
    for (int round = 0; round < kRounds; ++round)
      for (const Server& server : servers)
        measured[server.name].push_back(per_second(context.get(), server));
    std::printf("%-8s", key.c_str());
    for (const Server& server : servers)
      std::printf(" %10s %7.0f", server.name.c_str(), median(measured[server.name]));
    std::printf("   first / last %.2f\n",
                median(measured[servers.front().name]) / median(measured[servers.back().name]));
  }
}
