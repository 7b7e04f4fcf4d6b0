#include "keyserver/store/sqlite/sqlite.hpp"
#include "keyserver/store/sqlite/store.hpp"

namespace nae::store::sqlite {

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
  return database_->execute(
      "INSERT OR REPLACE INTO trusted_time (one, steady_us, trusted_us, boot_us, boot_id, doubted)"
      " VALUES (1, ?1, ?2, ?3, ?4, ?5)",
      time.steady_us, time.trusted_us, time.boot_us, std::string_view(time.boot_id),
      std::int64_t{time.doubted});
}

}  // namespace nae::store::sqlite
