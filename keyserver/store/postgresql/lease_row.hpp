// The lease as one row of the store's database, over a connection of its own: a renewal must not
// wait behind a change that takes long.
#pragma once

#include <memory>

#include "keyserver/store/change.hpp"
#include "keyserver/store/lease.hpp"
#include "keyserver/store/postgresql/postgresql.hpp"

namespace nae::store::postgresql {

class LeaseRow final : public store::Lease {
 public:
  // Codes as Store::open().
  // A call takes a third of `lease` at most: one that hangs must not hide its end.
  static Result<std::unique_ptr<LeaseRow>> open(const Target& target,
                                                std::chrono::milliseconds lease);

  // The newest change of the ledger; nothing when there is none yet.
  Result<std::optional<LedgerPoint>> newest_change();

  Result<LeaseState> read() override;
  Result<std::optional<Holding>> take(const LeaseState& seen, const std::string& node,
                                      const std::string& holder,
                                      std::chrono::milliseconds duration) override;
  Result<bool> renew(const Holding& holding) override;
  Result<void> release(const Holding& holding) override;

 private:
  explicit LeaseRow(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<std::int64_t> number_of(const std::string& node);
  std::unique_ptr<Database> database_;
};

}  // namespace nae::store::postgresql
