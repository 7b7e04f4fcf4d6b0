#include "keyserver/store/sql/database.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {

Result<std::vector<policy::LimitCount>> Store::load_limits() {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Statement rows,
             database_->query("SELECT counter, device, invented, window_seconds, counts,"
                              " expires_at_us FROM limit_counts ORDER BY expires_at_us DESC"));
  std::vector<policy::LimitCount> counts;
  while (true) {
    NAE_ASSIGN(bool row, rows.step());
    if (!row) return counts;
    counts.push_back({rows.text(0), rows.text(1), rows.integer(2) != 0,
                      static_cast<std::uint32_t>(rows.integer(3)), rows.blob(4), rows.integer(5)});
  }
}

// No more rows than the server would take up again: a part of their names is claimed.
Result<void> Store::save_limits(std::span<const policy::LimitCount> counts, std::int64_t now_us) {
  std::lock_guard lock(mutex_);
  NAE_ASSIGN(Transaction transaction, Transaction::begin(*database_));
  NAE_TRY(database_->execute("DELETE FROM limit_counts WHERE expires_at_us <= ?1", now_us));
  for (const policy::LimitCount& count : counts)
    NAE_TRY(database_->execute(
        "INSERT INTO limit_counts (counter, device, invented, window_seconds, counts,"
        " expires_at_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT (counter) DO UPDATE SET device = excluded.device,"
        " invented = excluded.invented, window_seconds = excluded.window_seconds,"
        " counts = excluded.counts, expires_at_us = excluded.expires_at_us",
        std::string_view(count.counter), std::string_view(count.device),
        std::int64_t{count.invented}, static_cast<std::int64_t>(count.window_seconds),
        ByteView(count.window), count.expires_at_us));
  NAE_ASSIGN(std::int64_t rows, database_->integer("SELECT count(*) FROM limit_counts"));
  if (rows > static_cast<std::int64_t>(policy::kMaxLimitCounters))
    NAE_TRY(database_->execute(
        "DELETE FROM limit_counts WHERE counter IN (SELECT counter FROM limit_counts"
        " ORDER BY invented, expires_at_us DESC LIMIT ?2 OFFSET ?1)",
        static_cast<std::int64_t>(policy::kMaxLimitCounters), INT64_MAX));
  return transaction.commit();
}

}  // namespace nae::store::sql
