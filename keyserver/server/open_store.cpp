#include "keyserver/server/open_store.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>

#include "keyserver/server/part_options.hpp"
#include "keyserver/store/postgresql/store.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/log_text.hpp"

namespace nae::server {

std::string node_of(const config::Config& config) {
  if (!config.store.node.empty()) return config.store.node;
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "unnamed";
}

Result<std::unique_ptr<store::Store>> open_store(const config::Config& config,
                                                 StoreOpening& opening) {
  if (config.store.url.empty()) return store::sqlite::Store::open(config.store.path);
  NAE_ASSIGN(const auto target, store::postgresql::read_target(config.store.url));
  group::ChargeOptions options;
  options.node = node_of(config);
  options.lease = config.store.lease;
  options.lost = opening.lost ? opening.lost : end_without_lease;
  NAE_ASSIGN(auto row, store::postgresql::LeaseRow::open(target, options.lease));
  NAE_ASSIGN(auto taken,
             group::Charge::take(std::move(row), opening.candidate, std::move(options)));
  const std::shared_ptr<group::Charge> charge = std::move(taken);
  NAE_ASSIGN(auto store, store::postgresql::Store::open(target, config.store.lease));
  store->hold(
      charge->holding(), charge, [charge = charge.get()] { charge->forfeit(); },
      [tenure = charge->shared_tenure()] {
        return std::chrono::floor<std::chrono::milliseconds>(tenure->left());
      });
  opening.tenure = charge->shared_tenure();
  return store;
}

Result<std::unique_ptr<store::Store>> open_store(const config::Config& config) {
  StoreOpening opening;
  return open_store(config, opening);
}

Result<std::unique_ptr<store::Store>> read_store(const config::Config& config) {
  if (config.store.url.empty()) return store::sqlite::Store::open(config.store.path);
  NAE_ASSIGN(const auto target, store::postgresql::read_target(config.store.url));
  return store::postgresql::Store::open(target);
}

// No destructors: threads that answer must not come to their next answer.
void end_without_lease(const Error& why) {
  spdlog::critical("event=lease-ended code={} message={}", name(why.code),
                   quoted_text(why.message));
  spdlog::default_logger()->flush();
  std::_Exit(kExitLeaseEnded);
}

}  // namespace nae::server
