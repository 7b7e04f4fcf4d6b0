// How keys scale: many keys and many versions on a real SoftHSM2 and SQLite.
//   nae-benchmark-keys [KEYS [VERSIONS]]     default: 100000 4000
// Versions and most keys are made once in the HSM each; the store commits every one of them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/hsm/test_token.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/keys/working_keys.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/crypto/gcm.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

template <class Work>
double seconds(Work work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}
void must(Result<void> result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

struct Machine {
  hsm::TestToken token;
  std::unique_ptr<hsm::Pkcs11Hsm> hsm = must(hsm::Pkcs11Hsm::open(token.options()));
  std::unique_ptr<store::Store> store =
      must(store::sqlite::Store::create(token.directory() / "keys.db"));
  keys::KeyRing ring = make_ring();
  std::unique_ptr<const crypto::GcmProvider> gcm = crypto::fastest_gcm();
  keys::WorkingKeys working_keys{*gcm};

  keys::KeyRing make_ring() {
    return keys::KeyRing(*store, store.get(), [this](keys::HsmJob job) { return job(*hsm); });
  }
};

std::string key_name(int number) {
  char name[16];
  std::snprintf(name, sizeof name, "key-%06d", number);
  return name;
}

void measure_keys(Machine& machine, int count) {
  const double create = seconds([&] {
    for (int i = 0; i < count; ++i)
      must(machine.ring.create({.name = key_name(i),
                                .type = KeyType::aes_256_gcm,
                                .attributes = {.owner = i % 100 == 0 ? "rare" : "usual"}}));
  });
  std::printf("create            %8.0f keys/s (HSM, wrap, durable commit)\n", count / create);
  std::string after;
  std::size_t listed = 0;
  int pages = 0;
  const double list = seconds([&] {
    for (bool more = true; more; ++pages) {
      const auto page = machine.ring.page(after, 1000);
      listed += page.size();
      more = page.size() == 1000;
      if (more) after = page.back()->name;
    }
  });
  std::printf("list              %8.1f us a page of 1000 (%zu keys)\n", list / pages * 1e6, listed);
  const double filtered =
      seconds([&] { listed = machine.ring.page("", 1000, {.owner = "rare"}).size(); });
  std::printf("list by owner     %8.1f us, %zu found\n", filtered * 1e6, listed);
  keys::KeyRing again = machine.make_ring();
  std::printf("load at start     %8.3f s for %d keys\n", seconds([&] { must(again.load()); }),
              count);
  std::vector<double> first;
  for (int i = 0; i < std::min(count, 1000); ++i) {
    const keys::KeyPointer key = again.find(key_name(i * std::max(1, count / 1000) % count));
    first.push_back(seconds(
        [&] { (void)must(machine.working_keys.begin_encryption(*machine.hsm, *key, 1, 1)); }));
  }
  std::ranges::sort(first);
  std::printf("first use         %8.1f us (median: unwrap into the HSM, derive)\n",
              first[first.size() / 2] * 1e6);
}

void measure_versions(Machine& machine, int count) {
  must(machine.ring.create("long-lived", KeyType::aes_256_gcm));
  const double first = seconds([&] {
    for (int i = 1; i < std::min(count, 100); ++i) must(machine.ring.rotate("long-lived"));
  });
  const double rest = seconds([&] {
    for (int i = 100; i < count; ++i) must(machine.ring.rotate("long-lived"));
  });
  std::printf("rotate            %8.1f us up to version 100, %.1f us up to %d\n", first / 99 * 1e6,
              rest / std::max(1, count - 100) * 1e6, count);
  const keys::KeyPointer key = machine.ring.find("long-lived");
  // One value of each version in turn, µs a version.
  const auto in_turn = [&](keys::WorkingKeys& working_keys, int versions) {
    return seconds([&] {
             for (int i = 1; i <= versions; ++i)
               (void)must(working_keys.derive_gcm(*machine.hsm, *key, static_cast<std::uint16_t>(i),
                                                  GcmSalt{}));
           }) /
           versions * 1e6;
  };
  keys::WorkingKeys::Options none;
  none.derived = 0;
  keys::WorkingKeys from_hsm(*machine.gcm, none);
  const double cold = in_turn(from_hsm, count), hsm = in_turn(from_hsm, count);
  keys::WorkingKeys both(*machine.gcm);
  in_turn(both, count);
  const double derived = in_turn(both, count);
  in_turn(both, std::min(count, 512));
  const double ready = in_turn(both, std::min(count, 512));
  std::printf(
      "in turn           %8.2f us a version that is ready; of %d: %.2f as derived, %.1f from the "
      "HSM, %.1f with cold sessions\n",
      ready, count, derived, hsm, cold);
}

}  // namespace
}  // namespace nae::benchmarks

int main(int argc, char** argv) {
  using namespace nae::benchmarks;
  const int keys = argc > 1 ? std::atoi(argv[1]) : 100'000;
  const int versions = argc > 2 ? std::atoi(argv[2]) : 4'000;
  if (keys < 1 || versions < 100 || versions > 65'535) return 2;
  const auto heap = nae::crypto::SecureHeap::take(16u << 20);
  if (!heap) {
    std::fprintf(stderr, "%s\n", heap.error().message.c_str());
    return 1;
  }
  Machine machine;
  measure_versions(machine, versions);
  measure_keys(machine, keys);
}
