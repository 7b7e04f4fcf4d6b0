#include "keyserver/store/sql/store.hpp"

#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/recorded.hpp"

namespace nae::store::sql {

Store::Store(std::unique_ptr<Database> database)
    : database_(std::move(database)), ledger_(std::make_unique<LedgerTable>(*database_)) {}
Store::~Store() = default;

Result<void> Store::set_meta(std::string_view name, std::string_view value) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  {
    NAE_ASSIGN(Statement known, database_->query("SELECT value FROM meta WHERE name = ?1", name));
    NAE_ASSIGN(bool found, known.step());
    if (found && known.text(0) == value) return {};
    if (found) return fail(Code::conflict, "the store has another " + std::string(name));
  }
  NAE_TRY(change.touch(Noun::fact, identity_of(name)));
  NAE_TRY(database_->execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", name, value));
  return change.commit(ChangeKind::fact_set);
}

Result<void> Store::change_meta(std::string_view name, const std::optional<std::string>& known,
                                std::string_view value) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  {
    NAE_ASSIGN(Statement there, database_->query("SELECT value FROM meta WHERE name = ?1", name));
    NAE_ASSIGN(const bool found, there.step());
    if (found != known.has_value() || (found && there.text(0) != *known))
      return fail(Code::conflict, "another has changed the store's " + std::string(name));
  }
  NAE_TRY(change.touch(Noun::fact, identity_of(name)));
  NAE_TRY(known
              ? database_->execute("UPDATE meta SET value = ?2 WHERE name = ?1", name, value)
              : database_->execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", name, value));
  return change.commit(ChangeKind::fact_set);
}

Result<std::optional<std::string>> Store::meta(std::string_view name) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement known, database_->query("SELECT value FROM meta WHERE name = ?1", name));
  NAE_ASSIGN(bool found, known.step());
  if (!found) {
    NAE_TRY(ledger_->check({Noun::fact, identity_of(name), std::nullopt}));
    return std::nullopt;
  }
  std::string value = known.text(0);
  NAE_TRY(ledger_->check(item_of_fact(name, value)));
  return value;
}

Result<void> Store::check() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(std::int64_t version, database_->schema());
  if (version != database_->newest_schema())
    return fail(Code::store_version, "the store was migrated by another server");
  return database_->may_change();
}

}  // namespace nae::store::sql
