// Keys for benchmarks of many: made in the HSM, bound, wrapped and written into the ledger by the
// key server's own code, one durable change each, as a server makes them. Without what a call of an
// administrator costs besides: TLS, its audit record, and the digest of all that stands in it,
// which grows with the number of keys.
//   nae-benchmark-make-keys CONFIGURATION KEYS     of a server that is stopped
#include <cstdio>
#include <cstdlib>

#include "keyserver/config/config.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/keys/key_ring.hpp"
#include "keyserver/server/hsm_options.hpp"
#include "keyserver/server/offline_ledger.hpp"
#include "keyserver/server/open_store.hpp"
#include "keyserver/server/opened_custody.hpp"
#include "keyserver/setup/initialise.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::benchmarks {
namespace {

Result<void> make_keys(const char* file, int count) {
  NAE_ASSIGN(const config::Config config, config::load(file));
  if (!config.hsm.softhsm_configuration.empty())
    setup::use_softhsm_configuration(config.hsm.softhsm_configuration);
  NAE_ASSIGN(const server::Alone alone, server::work_alone(config));
  NAE_ASSIGN(const auto hsm, hsm::Pkcs11Hsm::open(server::hsm_options(config)));
  NAE_ASSIGN(const auto store, server::open_store(config));
  NAE_TRY(server::take_up_ledger_if_there(*store, *hsm));
  keys::KeyRing ring(*store, store.get(), [&](keys::HsmJob job) { return job(*hsm); });
  NAE_TRY(ring.load());
  for (int number = 0; number < count; ++number)
    NAE_TRY(ring.create("k" + std::to_string(number), KeyType::aes_256_gcm));
  return {};
}

}  // namespace
}  // namespace nae::benchmarks

int main(int argc, char** argv) {
  const int count = argc == 3 ? std::atoi(argv[2]) : 0;
  if (count < 1) return 2;
  const auto heap = nae::crypto::SecureHeap::take(16u << 20);
  const auto made = heap ? nae::benchmarks::make_keys(argv[1], count)
                         : nae::Result<void>(nae::fail(heap.error()));
  if (made) return 0;
  std::fprintf(stderr, "%s\n", made.error().message.c_str());
  return 1;
}
