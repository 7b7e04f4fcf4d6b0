// The lease as one row of the store's database, over a connection of its own: a renewal must not
// wait behind a change that takes long.
#pragma once

#include <memory>
#include <optional>

#include "keyserver/store/change.hpp"
#include "keyserver/store/lease.hpp"
#include "keyserver/store/nodes.hpp"
#include "keyserver/store/postgresql/postgresql.hpp"

namespace nae::store::postgresql {

class LeaseRow final : public store::Lease, public store::FollowerRow {
 public:
  // Codes as Store::open().
  // A call takes a third of `lease` at most: one that hangs must not hide its end.
  static Result<std::unique_ptr<LeaseRow>> open(const Target& target,
                                                std::chrono::milliseconds lease);

  // The run that has the name of a node.
  Result<NodeRun> run_of(const std::string& node);
  // Says that this run waits. Nothing when the row is another run's and not as `seen` any more;
  // else what was seen right before, look(beat.newest), which no failover forgets now.
  Result<std::optional<StoreSight>> announce(const NodeRun& seen, const NodeBeat& beat);
  // From now on what takes, renews and gives back the lease says this with it, and takes none when
  // the row is another run's; without it, as of commands, nothing is said.
  void speak_as(NodeBeat beat) { beat_ = std::move(beat); }
  // Why the node may not have the lease; nothing when it may.
  Result<std::optional<std::string>> fence(const std::string& node);
  // The number of a node in the store, given where there is none yet.
  Result<std::int64_t> number_of(const std::string& node);
  // Nobody need wait for this run.
  Result<void> leave(const NodeBeat& beat);

  Result<LeaseState> read() override;
  Result<std::optional<Holding>> take(const LeaseState& seen, const std::string& node,
                                      const std::string& holder,
                                      std::chrono::milliseconds duration) override;
  Result<StoreSight> look(const LedgerPoint& known) override;
  Result<Renewed> renew(const Holding& holding, const LedgerPoint& known) override;
  Result<void> release(const Holding& holding) override;
  // After speak_as().
  Result<Followed> follow(const LedgerPoint& applied, const LedgerPoint& known) override;

 private:
  explicit LeaseRow(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<bool> lock_own_row();
  Result<std::optional<StoreSight>> announce_in_transaction(const NodeRun& seen,
                                                            const NodeBeat& beat);
  Result<Followed> follow_in_transaction(const LedgerPoint& applied, const LedgerPoint& known);
  Result<void> say(NodeState state, const LedgerPoint& newest);
  Result<Renewed> renew_in_transaction(const Holding& holding, const LedgerPoint& known);
  std::unique_ptr<Database> database_;
  std::optional<NodeBeat> beat_;
};

}  // namespace nae::store::postgresql
