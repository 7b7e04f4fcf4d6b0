#include "keyserver/store/sql/recorded.hpp"

#include <poll.h>

#include "keyserver/store/sql/ledger_rows.hpp"

namespace nae::store::sql {
namespace {

// Between two questions to a database that is away: one that is started again is soon there.
constexpr std::chrono::milliseconds kPause{200};

}  // namespace

Result<Recorded> Recorded::begin(Database& database, LedgerTable& ledger) {
  if (database.follows())
    return fail(Code::server_unavailable,
                "this key server follows: the one in charge makes the changes");
  NAE_ASSIGN(Transaction transaction, Transaction::begin(database));
  NAE_TRY(database.may_change());
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
  NAE_ASSIGN(const Outcome outcome, transaction_.try_commit());
  if (outcome == Outcome::unknown && !changed.empty()) NAE_TRY(find_out());
  ledger_->committed();
  ledger_ = nullptr;
  return {};
}

// The lock of the new transaction waits until the old one has ended, on whichever machine takes
// writes now; and where its commit is durable, so is everything before it. Whoever is told nothing
// knows nothing: the next transaction takes up what stands there.
Result<bool> Recorded::look_for(const LedgerPoint& mine) {
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(const std::optional<LedgerHash> hash, ledger_->change_hash(mine.epoch));
  NAE_TRY(transaction.commit());
  return hash == mine.hash;
}

Result<void> Recorded::find_out() {
  const LedgerPoint mine = ledger_->head();
  const auto until = std::chrono::steady_clock::now() + database_->time_to_find_out();
  while (true) {
    const Result<bool> there = look_for(mine);
    if (there && *there) return {};
    if (there)
      return fail(Code::store_unavailable,
                  "store: the change was not made: the store's database "
                  "failed while it was committed");
    // Another answer, as that somebody else has the store, will not change.
    const bool away = there.error().code == Code::store_unavailable;
    if (!away || database_->time_to_find_out() <= kPause ||
        std::chrono::steady_clock::now() + kPause >= until) {
      database_->outcome_stays_unknown();
      return fail(Code::store_unavailable,
                  "store: whether the change was made is not known: " + there.error().message,
                  "Look at what it was to change when the store's database is well again.");
    }
    ::poll(nullptr, 0, static_cast<int>(kPause.count()));
  }
}

}  // namespace nae::store::sql
