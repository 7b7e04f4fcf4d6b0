#include "keyserver/server/open_store.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>

#include "keyserver/server/part_options.hpp"
#include "keyserver/store/postgresql/store.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/text.hpp"

namespace nae::server {

std::string node_of(const config::Config& config) {
  if (!config.store.node.empty()) return config.store.node;
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "unnamed";
}

namespace {

// A database that went back, as after a failover to a machine that had not everything: the log of
// this node may be older than what was lost, but while it waited it saw what the store had.
Result<void> check_seen(store::Store& store, const store::LedgerPoint& seen) {
  if (seen.epoch == 0) return {};
  NAE_ASSIGN(const auto hash, store.change_hash(seen.epoch));
  if (hash == seen.hash) return {};
  const std::string change = "change " + std::to_string(seen.epoch) + " of its ledger (" +
                             to_hex(seen.hash) + "), which this key server saw while it waited";
  return fail(Code::store_rolled_back,
              hash ? "the store has another " + change : "the store lost " + change,
              "The database went back, as after a failover to a machine that did not have "
              "everything. Bring back the newest; if that is lost, see 'nae-keyserver "
              "accept-store-rollback' and start this key server again.");
}

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const config::Config& config,
                                                 StoreOpening& opening) {
  if (config.store.url.empty()) return store::sqlite::Store::open(config.store.path);
  NAE_ASSIGN(const auto target, store::postgresql::read_target(config.store.url));
  group::ChargeOptions options;
  options.node = node_of(config);
  options.lease = config.store.lease;
  options.lost = opening.lost ? opening.lost : end_without_lease;
  NAE_ASSIGN(auto row, store::postgresql::LeaseRow::open(target, options.lease));
  NAE_ASSIGN(const auto newest, row->newest_change());
  if (newest && newest->epoch > opening.seen.epoch) opening.seen = *newest;
  NAE_ASSIGN(auto taken,
             group::Charge::take(std::move(row), opening.candidate, std::move(options)));
  const std::shared_ptr<group::Charge> charge = std::move(taken);
  opening.taken_at = std::chrono::steady_clock::now();
  NAE_ASSIGN(auto store, store::postgresql::Store::open(target, config.store.lease));
  store->hold(
      charge->holding(), charge, [charge = charge.get()] { charge->forfeit(); },
      [tenure = charge->shared_tenure()] {
        return std::chrono::floor<std::chrono::milliseconds>(tenure->left());
      });
  NAE_TRY(check_seen(*store, opening.seen));
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
