#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/recorded.hpp"
#include "keyserver/store/sql/rows.hpp"
#include "keyserver/store/sql/store.hpp"
#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::store::sql {
namespace {

constexpr std::string_view kSelectPolicies =
    "SELECT number, text, author, comment, created_at_us, pruned_at_us, text_sha256"
    " FROM policies";
// Those that another one took the place of before ?1, so that what was in force since is still
// there; but not what a request that waits for approval was made against.
constexpr std::string_view kPrunable =
    " WHERE pruned_at_us = 0"
    "  AND (SELECT next.created_at_us FROM policies AS next"
    "       WHERE next.number = policies.number + 1) < ?1"
    "  AND 'policy:' || number NOT IN (SELECT base FROM approvals WHERE state = ?2)"
    " ORDER BY number";

policy::Revision read_revision(const Statement& row) {
  return {static_cast<std::uint32_t>(row.integer(0)),
          row.text(1),
          row.text(2),
          row.text(3),
          row.integer(4),
          row.integer(5),
          row.text(6)};
}

Result<std::vector<policy::Revision>> read_all(Statement rows) {
  std::vector<policy::Revision> revisions;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return revisions;
    revisions.push_back(read_revision(rows));
  }
}

Result<std::vector<policy::Revision>> read_prunable(Database& database, std::int64_t before_us) {
  NAE_ASSIGN(Statement rows,
             database.query(std::string(kSelectPolicies) + std::string(kPrunable), before_us,
                            static_cast<std::int64_t>(ApprovalState::waiting)));
  return read_all(std::move(rows));
}

}  // namespace

Result<std::optional<policy::Revision>> find_policy(Database& database, std::uint32_t number) {
  NAE_ASSIGN(Statement row, database.query(std::string(kSelectPolicies) + " WHERE number = ?1",
                                           static_cast<std::int64_t>(number)));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  return read_revision(row);
}

Result<std::vector<policy::Revision>> read_policies(Database& database) {
  NAE_ASSIGN(Statement rows, database.query(std::string(kSelectPolicies) + " ORDER BY number"));
  return read_all(std::move(rows));
}

Result<std::optional<policy::Revision>> Store::latest() {
  std::lock_guard lock(mutex_);
  NAE_TRY(
      ledger_->check_whole(Noun::policy));  // without the newest, the one before would be in force
  NAE_ASSIGN(Statement rows,
             database_->query(std::string(kSelectPolicies) + " ORDER BY number DESC LIMIT 1"));
  NAE_ASSIGN(bool row, rows.step());
  if (!row) return std::nullopt;
  policy::Revision newest = read_revision(rows);
  NAE_TRY(ledger_->check(item_of(newest)));
  return newest;
}

Result<std::uint32_t> Store::insert(const policy::Revision& revision) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(std::int64_t newest, database_->integer("SELECT max(number) FROM policies"));
  if (newest >= UINT32_MAX) return fail(Code::conflict, "the store has no policy numbers left");
  std::int64_t number = newest + 1;
  NAE_TRY(change.touch(Noun::policy, identity_of_policy(static_cast<std::uint32_t>(number))));
  NAE_TRY(
      database_->execute("INSERT INTO policies (number, text, author, comment, created_at_us)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)",
                         number, std::string_view(revision.text), std::string_view(revision.author),
                         std::string_view(revision.comment), revision.created_at_us));
  NAE_TRY(change.commit(ChangeKind::policy_applied));
  return static_cast<std::uint32_t>(number);
}

Result<std::vector<policy::Revision>> Store::history() {
  std::lock_guard lock(mutex_);
  NAE_TRY(ledger_->check_whole(Noun::policy));
  NAE_ASSIGN(std::vector<policy::Revision> policies, read_policies(*database_));
  for (const policy::Revision& revision : policies) NAE_TRY(ledger_->check(item_of(revision)));
  return policies;
}

Result<std::vector<policy::Revision>> Store::prunable_policies(std::int64_t before_us) {
  std::lock_guard lock(mutex_);
  return read_prunable(*database_, before_us);
}

Result<std::vector<policy::Revision>> Store::prune_policies(std::int64_t before_us,
                                                            std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(std::vector<policy::Revision> pruned, read_prunable(*database_, before_us));
  for (policy::Revision& revision : pruned) {
    NAE_TRY(change.touch(Noun::policy, identity_of_policy(revision.number)));
    revision.text_sha256 = to_hex(crypto::sha256(as_bytes(revision.text)));
    revision.text.clear();
    revision.pruned_at_us = now_us;
    NAE_TRY(database_->execute(
        "UPDATE policies SET text = '', text_sha256 = ?2, pruned_at_us = ?3 WHERE number = ?1",
        static_cast<std::int64_t>(revision.number), std::string_view(revision.text_sha256),
        now_us));
  }
  NAE_TRY(change.commit(ChangeKind::policies_pruned));
  if (!pruned.empty()) database_->erase_remains();
  return pruned;
}

}  // namespace nae::store::sql
