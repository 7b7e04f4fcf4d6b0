#include "keyserver/group/store_watch.hpp"

#include "keyserver/group/seen_file.hpp"
#include "libnae/base/text.hpp"

namespace nae::group {

tl::unexpected<Error> went_back(const store::LedgerPoint& known, bool there) {
  const std::string change = "change " + std::to_string(known.epoch) + " of its ledger (" +
                             to_hex(known.hash) + "), which this key server has seen there";
  return fail(Code::store_rolled_back,
              there ? "the store has another " + change : "the store lost " + change,
              "The database went back, as after a failover to a machine that did not have "
              "everything. Bring back the newest; if that is lost, see 'nae-keyserver "
              "accept-store-rollback' and start this key server again.");
}

Result<void> StoreWatch::remember(std::filesystem::path file,
                                  std::shared_ptr<const store::LedgerKey> key) {
  NAE_ASSIGN(const auto seen, read_seen(file, *key));
  std::lock_guard lock(mutex_);
  file_ = std::move(file);
  key_ = std::move(key);
  if (seen) saved_ = *seen;
  if (saved_.epoch > known_.epoch) known_ = saved_;
  return {};
}

bool StoreWatch::remembers() const {
  std::lock_guard lock(mutex_);
  return key_ != nullptr;
}

Result<void> StoreWatch::save() {
  store::LedgerPoint newest;
  std::filesystem::path file;
  std::shared_ptr<const store::LedgerKey> key;
  {
    std::lock_guard lock(mutex_);
    if (!key_ || known_ == saved_) return {};
    newest = known_;
    file = file_;
    key = key_;
  }
  NAE_TRY(write_seen(file, newest, *key));
  std::lock_guard lock(mutex_);
  saved_ = newest;
  return {};
}

store::LedgerPoint StoreWatch::known() const {
  std::lock_guard lock(mutex_);
  return known_;
}

void StoreWatch::compare(const store::StoreSight& sight) {
  std::lock_guard lock(mutex_);
  compare_locked(sight);
}

void StoreWatch::compare_locked(const store::StoreSight& sight) {
  synchronous_ = sight.synchronous;
  if (sight.asked == known_.epoch) {
    against_.reset();
    if (known_.epoch != 0 && sight.there != known_.hash) against_ = sight;
  }
}

void StoreWatch::look(const store::StoreSight& sight) {
  std::lock_guard lock(mutex_);
  compare_locked(sight);
  // What follows a change that is lost is another history.
  if (against_ || !key_ || sight.newest <= known_.epoch) return;
  const auto change = store::parse_change(sight.bytes);
  if (change && change->epoch == sight.newest && key_->verify(sight.bytes, sight.mac))
    known_ = {sight.newest, store::hash_of(sight.bytes)};
}

Result<void> StoreWatch::whole() const {
  if (against_) return went_back(known_, against_->there.has_value());
  return {};
}

Result<void> StoreWatch::is_whole() const {
  std::lock_guard lock(mutex_);
  return whole();
}

bool StoreWatch::is_synchronous() const {
  std::lock_guard lock(mutex_);
  return synchronous_ || !must_be_synchronous_;
}

Result<void> StoreWatch::may_change(bool synchronous) {
  std::lock_guard lock(mutex_);
  synchronous_ = synchronous;
  NAE_TRY(whole());
  if (synchronous_ || !must_be_synchronous_) return {};
  return fail(Code::store_unavailable,
              "the store takes no changes: its synchronous_standby_names is empty, and a failover "
              "would forget them",
              "Set synchronous_standby_names of the store's PostgreSQL, or say "
              "store.allow_asynchronous = true and start the key server again.");
}

}  // namespace nae::group
