// StoreWatch: what this key server has seen of the store's ledger, and whether the store still has
// it and still keeps what it takes: docs/spec/group.md, G5 and G9.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "keyserver/store/lease.hpp"
#include "keyserver/store/ledger.hpp"

namespace nae::group {

// Thread-safe.
class StoreWatch {
 public:
  // Whether a store that replicates asynchronously takes no changes.
  explicit StoreWatch(bool must_be_synchronous) : must_be_synchronous_(must_be_synchronous) {}

  // Takes up what `file` says and keeps it up to date at each save(). Until this is called nothing
  // is remembered: what is not authenticated may be a hand's. Codes as read_seen().
  Result<void> remember(std::filesystem::path file, std::shared_ptr<const store::LedgerKey> key);
  bool remembers() const;
  // Writes the file when something newer was seen since. Code::file_failed.
  Result<void> save();

  store::LedgerPoint known() const;
  // That was asked for with known(). What is newer there is not known by this: a failover may
  // forget it.
  void compare(const store::StoreSight& sight);
  // Of what no failover forgets: the same, and what is newer there is known from now on.
  void look(const store::StoreSight& sight);

  // Code::store_rolled_back when the store has lost a change that was seen, or has another one in
  // its place.
  Result<void> is_whole() const;
  bool is_synchronous() const;  // or need not be
  // In a transaction that is to change the ledger: Code::store_rolled_back, store_unavailable.
  Result<void> may_change(bool synchronous);

 private:
  Result<void> whole() const;  // under mutex_, as the next
  void compare_locked(const store::StoreSight& sight);

  const bool must_be_synchronous_;
  mutable std::mutex mutex_;
  std::filesystem::path file_;
  std::shared_ptr<const store::LedgerKey> key_;
  store::LedgerPoint known_, saved_;
  std::optional<store::StoreSight> against_;  // what the store had in the place of known_
  bool synchronous_ = true;
};

// The error of a store that has not `known`; `there`: it has another change of that number.
tl::unexpected<Error> went_back(const store::LedgerPoint& known, bool there);

}  // namespace nae::group
