#include "keyserver/store/sql/database.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {

Result<std::optional<keys::KeptTime>> Store::kept_time() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement row, database_->query("SELECT steady_us, trusted_us, boot_us, boot_id,"
                                             " doubted FROM trusted_time"));
  NAE_ASSIGN(bool found, row.step());
  if (!found) return std::nullopt;
  return keys::KeptTime{row.integer(0), row.integer(1), row.integer(2), row.text(3),
                        row.integer(4) != 0};
}

Result<void> Store::keep_time(const keys::KeptTime& time) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_TRY(database_->execute(
      "INSERT INTO trusted_time (one, steady_us, trusted_us, boot_us, boot_id, doubted)"
      " VALUES (1, ?1, ?2, ?3, ?4, ?5)"
      " ON CONFLICT (one) DO UPDATE SET steady_us = excluded.steady_us,"
      " trusted_us = excluded.trusted_us, boot_us = excluded.boot_us, boot_id = excluded.boot_id,"
      " doubted = excluded.doubted",
      time.steady_us, time.trusted_us, time.boot_us, std::string_view(time.boot_id),
      std::int64_t{time.doubted}));
  return transaction.commit();
}

}  // namespace nae::store::sql
