#include "keyserver/store/sqlite/recorded.hpp"

#include "keyserver/store/sqlite/ledger_rows.hpp"

namespace nae::store::sqlite {

Result<Recorded> Recorded::begin(Database& database, LedgerTable& ledger) {
  NAE_ASSIGN(Transaction transaction, Transaction::begin(database));
  NAE_TRY(ledger.catch_up());
  return Recorded(database, ledger, std::move(transaction));
}

Recorded::~Recorded() {
  if (ledger_ != nullptr) ledger_->undone();
}

Result<void> Recorded::touch(Noun noun, Bytes identity) {
  if (!ledger_->is_open()) return {};
  NAE_ASSIGN(Item item, read_item(*database_, noun, identity));
  NAE_TRY(ledger_->check(item));
  touched_.push_back(std::move(item));
  return {};
}

Result<void> Recorded::commit(ChangeKind kind) {
  std::vector<Item> changed;
  for (const Item& before : touched_) {
    NAE_ASSIGN(Item now, read_item(*database_, before.noun, before.identity));
    if (now.content != before.content) changed.push_back(std::move(now));
  }
  if (!changed.empty()) NAE_TRY(ledger_->append(kind, changed));
  NAE_TRY(transaction_.commit());
  ledger_->committed();
  ledger_ = nullptr;
  return {};
}

}  // namespace nae::store::sqlite
