#include <algorithm>

#include "keyserver/store/sql/database.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {

Result<std::optional<audit::ChainPoint>> Store::kept_head() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement row, database_->query("SELECT seq, hash FROM audit_head WHERE one = ?1",
                                             database_->node_number()));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  audit::ChainPoint head;
  head.seq = static_cast<std::uint64_t>(row.integer(0));
  const Bytes hash = row.blob(1);
  if (hash.size() != head.hash.size())
    return fail(Code::store_corrupt, "the store's head of the audit log has no hash");
  std::ranges::copy(hash, head.hash.begin());
  return head;
}

Result<void> Store::keep_head(const audit::ChainPoint& head) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_TRY(database_->execute(
      "INSERT INTO audit_head (one, seq, hash) VALUES (?3, ?1, ?2) "
      "ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash "
      "WHERE excluded.seq > audit_head.seq",
      static_cast<std::int64_t>(head.seq), ByteView(head.hash), database_->node_number()));
  return transaction.commit();
}

Result<void> Store::forget_head() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_TRY(database_->execute("DELETE FROM audit_head WHERE one = ?1", database_->node_number()));
  return transaction.commit();
}

}  // namespace nae::store::sql
