#include "keyserver/store/sql/key_rows.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {

Result<std::vector<keys::UsageCount>> Store::open_usage() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_ASSIGN(std::int64_t closed, database_->integer("SELECT closed FROM usage_closed"));
  // A server that was cut off may have served all that it had set aside.
  if (closed == 0) {
    NAE_TRY(database_->execute("UPDATE usage SET uses = reserved_uses WHERE uses < reserved_uses"));
    NAE_TRY(database_->execute("UPDATE usage SET salts = salts + ?1", keys::kSaltsLostInCrash));
  }
  NAE_TRY(database_->execute("UPDATE usage_closed SET closed = 0"));
  std::vector<keys::UsageCount> counts;
  {
    NAE_ASSIGN(Statement rows,
               database_->query("SELECT key_id, number, uses, reserved_uses, reads,"
                                " last_use_at_us, last_read_at_us, salts FROM usage"));
    while (true) {
      NAE_ASSIGN(bool row, rows.step());
      if (!row) break;
      keys::UsageCount count;
      const Bytes id = rows.blob(0);
      if (id.size() != kKeyIdBytes)
        return fail(Code::store_corrupt, "the store counts uses of no key");
      std::copy(id.begin(), id.end(), count.id.key.bytes.begin());
      count.id.version = static_cast<std::uint16_t>(rows.integer(1));
      count.uses = rows.integer(2);
      count.reserved_uses = rows.integer(3);
      count.reads = rows.integer(4);
      count.last_use_at_us = rows.integer(5);
      count.last_read_at_us = rows.integer(6);
      count.salts = rows.integer(7);
      counts.push_back(count);
    }
  }
  NAE_TRY(transaction.commit());
  return counts;
}

Result<void> Store::save_usage(const std::vector<keys::UsageCount>& counts, bool closing) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  for (const keys::UsageCount& count : counts) NAE_TRY(write_usage(*database_, count));
  if (closing) NAE_TRY(database_->execute("UPDATE usage_closed SET closed = 1"));
  return transaction.commit();
}

}  // namespace nae::store::sql
