// The store that the configuration names. Which engine keeps it is known here alone, and in backup
// and setup, which are about its file.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "keyserver/config/config.hpp"
#include "keyserver/group/charge.hpp"
#include "keyserver/group/presence.hpp"
#include "keyserver/group/store_watch.hpp"
#include "keyserver/store/store.hpp"

namespace nae::server {

// What a node that followed and has taken the lease hands on to the one in charge that it becomes.
struct Succession {
  std::shared_ptr<group::Charge> charge;
  std::optional<group::Presence> presence;
  std::shared_ptr<group::StoreWatch> watch;
  std::shared_ptr<std::atomic<bool>> given_up;  // which the calls of the charge look at
};

// What is kept from one attempt to open a store to the next.
struct StoreOpening {
  // That was taken already; for the next attempt.
  std::shared_ptr<group::Charge> charge = {};
  // Of the last attempt: all was well but that somebody else has the lease.
  bool may_follow = false;
  group::Candidate candidate;
  // Called when the store is taken away from who has opened it; empty: the process ends at once.
  std::function<void(const Error&)> lost = {};
  // Until when the store is this process's; of a file there is none.
  std::shared_ptr<const group::Tenure> tenure = {};
  // When the lease was taken; nothing before. For another thread, which watches how long that is.
  std::atomic<std::chrono::steady_clock::time_point> taken_at = {};
  // This run among those of its name; nothing: of a command, which leaves no word in the store.
  std::optional<group::Presence> presence = {};
  // Set when nobody waits for the store any more: its calls end soon, and fail.
  std::shared_ptr<std::atomic<bool>> given_up = std::make_shared<std::atomic<bool>>(false);
  // What was seen of the store, also while somebody else had it; of a file there is none.
  std::shared_ptr<group::StoreWatch> watch = {};
};

// What has not been asked for yet.
std::shared_ptr<group::StoreWatch> watch_of(const config::Config& config);

// Codes as store::sqlite::Store::open() and store::postgresql::Store::open();
// Code::server_unavailable when another key server has the lease of a PostgreSQL, or may have this
// one's name; Code::config_invalid when another one has its name.
Result<std::unique_ptr<store::Store>> open_store(const config::Config& config,
                                                 StoreOpening& opening);
// A store that another key server is in charge of, for one that answers beside it.
struct FollowedStore {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::FollowerRow> row;
  std::shared_ptr<group::Tenure> tenure;  // not begun
  // When the ledger is open: from then on nothing is locked for what is read.
  std::function<void()> begin;
  // Becomes the one in charge, when the candidate says that it may.
  std::function<Result<Succession>(group::Candidate&)> take_charge;
  std::function<void()> leave;  // leave_store()
};
// After open_store() said that it may. Codes as there.
Result<FollowedStore> follow_store(const config::Config& config, const StoreOpening& opening);

// Says to the others that this run, which waited, waits no more.
void leave_store(const config::Config& config, const StoreOpening& opening);
// For commands, which do not wait.
Result<std::unique_ptr<store::Store>> open_store(const config::Config& config);
// For a command that may be the only way on: waits as a node does for a lease that nobody renews,
// as that of a store that was copied while one was in charge. Code::server_unavailable when the one
// in charge was heard of meanwhile; Code::conflict when this node is fenced.
Result<std::unique_ptr<store::Store>> open_store_when_over(const config::Config& config);
// So does who knows that no other run of this node is at work (work_alone()), for a lease of this
// node alone: the run that had it was killed. Others' is refused at once.
Result<std::unique_ptr<store::Store>> open_store_after_own(const config::Config& config);
// Without the lease: what writes is refused, Code::server_unavailable, where there is one.
Result<std::unique_ptr<store::Store>> read_store(const config::Config& config,
                                                 const StoreOpening& opening = {});

// The same for what takes the store as this release writes it. Code::conflict for one of an older
// release, which a server that starts makes a new one.
Result<std::unique_ptr<store::Store>> read_newest_store(const config::Config& config);
// Rows are read as they are, the ledger as it was when it was opened. Code::server_unavailable when
// who is in charge has changed the store in between: what does not fit then says nothing.
Result<void> check_unchanged(store::Store& store);

// This key server's name among those of its store.
std::string node_of(const config::Config& config);

// The process ends, with the code that says so: nobody may be answered any more.
[[noreturn]] void end_without_lease(const Error& why);

}  // namespace nae::server
