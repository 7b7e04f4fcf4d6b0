// What does an item cost in a request of many? One client, through agent, TLS, policy, key server
// and audit; the knee says how large batches should be.
//   nae-benchmark-batches SOCKET KEY
#include <cstdio>
#include <iterator>
#include <string>

#include "benchmarks/measure.hpp"
#include "benchmarks/nae_client.hpp"

namespace {

using namespace nae::benchmarks;

constexpr int kRounds = 3;
constexpr Bounds kBounds{0.25, 5'000};
constexpr std::size_t kMostBytes = 16u << 20;  // of one request

double us_per_item(const std::string& socket_path, const Work& work) {
  Channels one = connect_clients(socket_path, 1, work);
  std::vector<double> us;
  for (int round = 0; round < kRounds; ++round)
    us.push_back(closed_loop(one, kBounds).p50_us / static_cast<double>(work.items.size()));
  return median(us);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) give_up("usage: nae-benchmark-batches SOCKET KEY");
  const std::string socket_path = argv[1], key = argv[2];
  std::printf("us an item\n%8s  %-8s", "bytes", "what");
  constexpr std::size_t kCounts[] = {1, 10, 100, 1'000, 10'000};
  for (std::size_t count : kCounts) std::printf(" %8zu", count);
  std::printf("\n");
  for (std::size_t bytes : {32u, 256u, 4'096u}) {
    std::vector<double> encrypt, decrypt;
    for (std::size_t count : kCounts) {
      if (count * bytes > kMostBytes) continue;
      const Work encryption = encrypt_work(key, count, bytes);
      encrypt.push_back(us_per_item(socket_path, encryption));
      decrypt.push_back(us_per_item(socket_path, decrypt_work(socket_path, encryption)));
    }
    for (const auto& [what, figures] : {std::pair{"encrypt", &encrypt}, {"decrypt", &decrypt}}) {
      std::printf("%8zu  %-8s", bytes, what);
      for (double us : *figures) std::printf(us < 10 ? " %8.2f" : " %8.1f", us);
      // Larger than one frame.
      for (std::size_t i = figures->size(); i < std::size(kCounts); ++i) std::printf(" %8s", "-");
      std::printf("\n");
    }
  }
}
