#include "keyserver/store/sql/ledger_table.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {

Result<bool> Store::has_ledger() {
  std::lock_guard lock(mutex_);
  return ledger_->exists();
}

LedgerSettings Store::of_this_node(LedgerSettings settings) const {
  if (!node_.empty()) settings.node += "/" + node_;
  return settings;
}

Result<LedgerReport> Store::begin_ledger(LedgerSettings settings) {
  std::lock_guard lock(mutex_);
  return ledger_->begin(of_this_node(std::move(settings)));
}

Result<LedgerReport> Store::open_ledger(LedgerSettings settings) {
  std::lock_guard lock(mutex_);
  return ledger_->open(of_this_node(std::move(settings)));
}

Result<LedgerReport> Store::verify_ledger() {
  std::lock_guard lock(mutex_);
  return ledger_->verify();
}

LedgerPoint Store::ledger_head() {
  std::lock_guard lock(mutex_);
  return ledger_->head();
}

Result<LedgerPoint> Store::catch_up() {
  std::lock_guard lock(mutex_);
  NAE_TRY(database_->begin_reading());
  const auto caught_up = ledger_->catch_up();
  database_->roll_back();
  NAE_TRY(caught_up);
  return ledger_->head();
}

Result<std::optional<LedgerHash>> Store::change_hash(std::uint64_t epoch) {
  std::lock_guard lock(mutex_);
  return ledger_->change_hash(epoch);
}

Result<std::vector<Change>> Store::changes_after(std::uint64_t epoch, std::size_t most) {
  std::lock_guard lock(mutex_);
  return ledger_->changes_after(epoch, most);
}

Result<void> Store::note_rollback_accepted() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_TRY(database_->may_change());
  NAE_TRY(ledger_->catch_up());
  auto noted = ledger_->append(ChangeKind::rollback_accepted, {});
  if (noted) noted = transaction.commit();
  if (noted)
    ledger_->committed();
  else
    ledger_->undone();
  return noted;
}

}  // namespace nae::store::sql
