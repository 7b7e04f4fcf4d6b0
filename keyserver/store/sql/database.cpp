#include "keyserver/store/sql/database.hpp"

namespace nae::store::sql {

Result<void> Database::execute_with(std::string_view sql, std::span<const Value> values) {
  NAE_ASSIGN(Statement statement, run(sql, values));
  while (true) {
    NAE_ASSIGN(bool row, statement.step());
    if (!row) return {};
  }
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  NAE_ASSIGN(Statement statement, query(sql));
  NAE_ASSIGN(bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<Transaction> Transaction::begin(Database& database) {
  NAE_TRY(database.begin());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) database_->roll_back();
}

Result<Outcome> Transaction::try_commit() {
  NAE_ASSIGN(const Outcome outcome, database_->commit());
  database_ = nullptr;
  return outcome;
}

Result<void> Transaction::commit() {
  NAE_ASSIGN(const Outcome outcome, try_commit());
  if (outcome == Outcome::committed) return {};
  return fail(Code::store_unavailable, "store: whether a transaction was committed is not known");
}

}  // namespace nae::store::sql
