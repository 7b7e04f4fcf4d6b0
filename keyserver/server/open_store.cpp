#include "keyserver/server/open_store.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>

#include "keyserver/server/part_options.hpp"
#include "keyserver/store/postgresql/store.hpp"
#include "keyserver/store/sqlite/store.hpp"
#include "libnae/base/log_text.hpp"
#include "libnae/base/version.hpp"

namespace nae::server {

std::string node_of(const config::Config& config) {
  if (!config.store.node.empty()) return config.store.node;
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "unnamed";
}

std::shared_ptr<group::StoreWatch> watch_of(const config::Config& config) {
  const auto target = store::postgresql::read_target(config.store.url);
  const bool several = target && target->hosts.size() > 1;
  return std::make_shared<group::StoreWatch>(several && !config.store.allow_asynchronous);
}

namespace {

constexpr int kBetweenLooks = 500;  // milliseconds

store::NodeBeat beat_of(const config::Config& config, const StoreOpening& opening) {
  return {node_of(config),
          opening.presence->run(),
          std::string(software("nae-keyserver")),
          config::advertised(config),
          config.store.lease,
          opening.watch->known()};
}

// Of a server: that it waits, unless another one has its name.
Result<void> announce(const config::Config& config, StoreOpening& opening,
                      store::postgresql::LeaseRow& row) {
  using Verdict = group::Presence::Verdict;
  const store::NodeBeat beat = beat_of(config, opening);
  NAE_ASSIGN(const store::NodeRun seen, row.run_of(beat.name));
  NAE_ASSIGN(const store::LeaseState lease, row.read());
  // While this waits, so does the lease.
  static_cast<void>(opening.candidate.may_take(lease, group::BootClock::now(), config.store.lease));
  switch (opening.presence->may_begin(seen, lease, group::BootClock::now(), config.store.lease)) {
    case Verdict::taken:
      return fail(Code::config_invalid,
                  "another key server named " + beat.name + " is on this store, at " + seen.address,
                  "Give each its own store.node.");
    case Verdict::wait:
      return fail(Code::server_unavailable,
                  "the last run of this key server, " + beat.name +
                      ", may be alive: it did not say that it ended",
                  "It is over when nothing was heard of it for the time of a lease.");
    case Verdict::free:
      break;
  }
  NAE_ASSIGN(const auto sight, row.announce(seen, beat));
  if (!sight)
    return fail(Code::server_unavailable, "another run has just taken the name " + beat.name);
  opening.watch->look(*sight);
  NAE_TRY(opening.watch->is_whole());
  // Who cannot remember waits: a disk that is full may have room again.
  if (const auto saved = opening.watch->save(); !saved)
    return fail(Code::store_unavailable, saved.error().message);
  NAE_ASSIGN(const auto fence, row.fence(beat.name));
  if (fence)
    return fail(Code::server_unavailable,
                "this key server, " + beat.name + ", is fenced: " + *fence,
                "An administrator lets it in again: nae node allow " + beat.name);
  row.speak_as(beat);
  return {};
}

Result<store::postgresql::Target> target_of(const config::Config& config,
                                            const StoreOpening& opening) {
  NAE_ASSIGN(auto target, store::postgresql::read_target(config.store.url));
  target.given_up = opening.given_up;
  return target;
}

// Waiting does not cure it.
Result<void> check_not_fenced(const config::Config& config, const StoreOpening& opening) {
  const std::string node = node_of(config);
  NAE_ASSIGN(const auto target, target_of(config, opening));
  NAE_ASSIGN(const auto row, store::postgresql::LeaseRow::open(target, config.store.lease));
  NAE_ASSIGN(const auto fence, row->fence(node));
  if (!fence) return {};
  return fail(Code::conflict, "this key server, " + node + ", is fenced: " + *fence,
              "Do this on another node of the group; an administrator lets this one in again: "
              "nae node allow " +
                  node);
}

// The log of this node may be older than what was lost; what it has seen there is newer.
Result<void> check_known(store::Store& store, const store::LedgerPoint& known) {
  if (known.epoch == 0) return {};
  NAE_ASSIGN(const auto hash, store.change_hash(known.epoch));
  if (hash == known.hash) return {};
  return group::went_back(known, hash.has_value());
}

group::ChargeOptions charge_options(const config::Config& config, const StoreOpening& opening) {
  group::ChargeOptions options;
  options.node = node_of(config);
  options.lease = config.store.lease;
  options.lost = opening.lost ? opening.lost : end_without_lease;
  options.watch = opening.watch;
  if (opening.presence) options.holder = opening.presence->run();
  return options;
}

Result<std::unique_ptr<group::Charge>> take_charge(const config::Config& config,
                                                   StoreOpening& opening,
                                                   const store::postgresql::Target& target) {
  NAE_ASSIGN(auto row, store::postgresql::LeaseRow::open(target, config.store.lease));
  NAE_ASSIGN(const store::StoreSight sight, row->look(opening.watch->known()));
  opening.watch->compare(sight);
  NAE_TRY(opening.watch->is_whole());
  if (opening.presence) NAE_TRY(announce(config, opening, *row));
  auto charge =
      group::Charge::take(std::move(row), opening.candidate, charge_options(config, opening));
  opening.may_follow = !charge && charge.error().code == Code::server_unavailable;
  return charge;
}

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const config::Config& config,
                                                 StoreOpening& opening) {
  if (config.store.url.empty()) return store::sqlite::Store::open(config.store.path);
  NAE_ASSIGN(const auto target, target_of(config, opening));
  if (!opening.watch) opening.watch = watch_of(config);
  opening.may_follow = false;
  std::shared_ptr<group::Charge> charge = std::exchange(opening.charge, nullptr);
  if (!charge) {
    NAE_ASSIGN(charge, take_charge(config, opening, target));
  }
  opening.taken_at = std::chrono::steady_clock::now();
  NAE_ASSIGN(auto store, store::postgresql::Store::open(target, config.store.lease));
  store->hold(
      charge->holding(), charge, [charge = charge.get()] { charge->forfeit(); },
      [tenure = charge->shared_tenure(), given_up = opening.given_up] {
        if (*given_up) return std::chrono::milliseconds(0);
        return std::chrono::floor<std::chrono::milliseconds>(tenure->left());
      },
      [watch = opening.watch](bool synchronous) { return watch->may_change(synchronous); });
  NAE_TRY(store->upgrade());
  NAE_TRY(check_known(*store, opening.watch->known()));
  opening.tenure = charge->shared_tenure();
  return store;
}

Result<FollowedStore> follow_store(const config::Config& config, const StoreOpening& opening) {
  NAE_ASSIGN(const auto target, target_of(config, opening));
  auto own = std::make_shared<StoreOpening>();
  own->presence.emplace(*opening.presence);
  own->watch = opening.watch;
  own->given_up = opening.given_up;
  FollowedStore followed;
  NAE_ASSIGN(auto row, store::postgresql::LeaseRow::open(target, config.store.lease));
  NAE_ASSIGN(const store::LeaseState lease, row->read());
  NAE_ASSIGN(const std::int64_t number, row->number_of(node_of(config)));
  row->speak_as(beat_of(config, *own));
  followed.row = std::move(row);
  NAE_ASSIGN(auto store, store::postgresql::Store::open(target, config.store.lease));
  NAE_ASSIGN(const bool newest, store->is_newest());
  if (!newest)
    return fail(Code::server_unavailable,
                "the key server " + lease.node +
                    " is in charge of the store, and is of a release without followers");
  store->be_node(node_of(config), number);
  NAE_TRY(check_known(*store, opening.watch->known()));
  followed.begin = [store = store.get(), own, node = node_of(config)] {
    store->follow(node, own->presence->run());
  };
  followed.store = std::move(store);
  followed.tenure = std::make_shared<group::Tenure>();
  followed.take_charge = [config, own, target](group::Candidate& candidate) -> Result<Succession> {
    NAE_ASSIGN(auto lease_row, store::postgresql::LeaseRow::open(target, config.store.lease));
    lease_row->speak_as(beat_of(config, *own));
    NAE_ASSIGN(auto charge,
               group::Charge::take(std::move(lease_row), candidate, charge_options(config, *own)));
    return Succession{std::move(charge), own->presence, own->watch, own->given_up};
  };
  followed.leave = [config, own] { leave_store(config, *own); };
  return followed;
}

void leave_store(const config::Config& config, const StoreOpening& opening) {
  if (config.store.url.empty() || !opening.presence || !opening.watch) return;
  const auto target = target_of(config, opening);
  if (!target) return;
  auto row = store::postgresql::LeaseRow::open(*target, config.store.lease);
  // Else the next run of this name waits until this one's time is over.
  if (row) static_cast<void>((*row)->leave(beat_of(config, opening)));
}
Result<std::unique_ptr<store::Store>> open_store(const config::Config& config) {
  StoreOpening opening;
  return open_store(config, opening);
}

Result<std::unique_ptr<store::Store>> open_store_when_over(const config::Config& config) {
  StoreOpening opening;
  while (true) {
    if (!config.store.url.empty()) NAE_TRY(check_not_fenced(config, opening));
    auto store = open_store(config, opening);
    const bool held = !store && store.error().code == Code::server_unavailable;
    if (!held || opening.candidate.has_moved()) return store;
    ::poll(nullptr, 0, kBetweenLooks);
  }
}

Result<std::unique_ptr<store::Store>> open_store_after_own(const config::Config& config) {
  StoreOpening opening;
  for (bool told = false;; told = true) {
    // It is told the same, and its lease may stand in the store for good.
    if (!config.store.url.empty()) NAE_TRY(check_not_fenced(config, opening));
    auto store = open_store(config, opening);
    const std::string* const node = opening.candidate.node();
    const bool is_own = !store && store.error().code == Code::server_unavailable && node &&
                        *node == node_of(config) && !opening.candidate.has_moved();
    if (!is_own) return store;
    if (!told)
      spdlog::warn("event=waiting-for-own-lease node={} lease_s={}", *node,
                   std::chrono::floor<std::chrono::seconds>(config.store.lease).count());
    ::poll(nullptr, 0, kBetweenLooks);
  }
}

Result<std::unique_ptr<store::Store>> read_store(const config::Config& config,
                                                 const StoreOpening& opening) {
  if (config.store.url.empty()) return store::sqlite::Store::open(config.store.path);
  NAE_ASSIGN(const auto target, target_of(config, opening));
  return store::postgresql::Store::open(target);
}

Result<std::unique_ptr<store::Store>> read_newest_store(const config::Config& config) {
  if (config.store.url.empty()) return read_store(config);
  NAE_ASSIGN(const auto target, target_of(config, {}));
  NAE_ASSIGN(auto store, store::postgresql::Store::open(target));
  NAE_ASSIGN(const bool newest, store->is_newest());
  if (newest) return store;
  return fail(Code::conflict, "the store is of an older release",
              "Start the server once first: it brings the store to this release.");
}

Result<void> check_unchanged(store::Store& store) {
  const store::LedgerPoint before = store.ledger_head();
  NAE_ASSIGN(const store::LedgerPoint after, store.catch_up());
  if (after == before) return {};
  return fail(Code::server_unavailable, "the store was changed while it was read");
}

// No destructors: threads that answer must not come to their next answer.
void end_without_lease(const Error& why) {
  spdlog::critical("event=lease-ended code={} message={}", name(why.code),
                   quoted_text(why.message));
  spdlog::default_logger()->flush();
  std::_Exit(kExitLeaseEnded);
}

}  // namespace nae::server
