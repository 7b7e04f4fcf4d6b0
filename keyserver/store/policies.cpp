#include "keyserver/store/sqlite.hpp"
#include "keyserver/store/store.hpp"

namespace nae::store {
namespace {

constexpr std::string_view kColumns =
    "SELECT number, text, author, comment, created_at_us FROM policies ORDER BY number";

policy::Revision read_revision(const Statement& row) {
  return {static_cast<std::uint32_t>(row.integer(0)), row.text(1), row.text(2), row.text(3),
          row.integer(4)};
}

}  // namespace

Result<std::optional<policy::Revision>> Store::latest() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows, database_->query(std::string(kColumns) + " DESC LIMIT 1"));
  NAE_ASSIGN(bool row, rows.step());
  if (!row) return std::nullopt;
  return read_revision(rows);
}

Result<std::uint32_t> Store::insert(const policy::Revision& revision) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(std::int64_t newest, database_->integer("SELECT max(number) FROM policies"));
  if (newest >= UINT32_MAX) return fail(Code::conflict, "the store has no policy numbers left");
  std::int64_t number = newest + 1;
  NAE_TRY(
      database_->execute("INSERT INTO policies (number, text, author, comment, created_at_us)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)",
                         number, std::string_view(revision.text), std::string_view(revision.author),
                         std::string_view(revision.comment), revision.created_at_us));
  NAE_TRY(transaction.commit());
  return static_cast<std::uint32_t>(number);
}

Result<std::vector<policy::Revision>> Store::history() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows, database_->query(kColumns));
  std::vector<policy::Revision> revisions;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return revisions;
    revisions.push_back(read_revision(rows));
  }
}

}  // namespace nae::store
