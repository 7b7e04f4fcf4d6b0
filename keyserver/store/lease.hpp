// Lease: the port by which one of several key servers on a store is in charge of it.
// docs/spec/group.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "keyserver/store/change.hpp"
#include "libnae/base/result.hpp"

namespace nae::store {

// The lease as it stands in the store.
struct LeaseState {
  std::int64_t generation = 0;  // 0: nobody ever had it; one more with each holder
  std::int64_t beat = 0;        // one more with each renewal
  std::string node;             // who has it, or had it last
  std::string holder;           // which run of that node: a random text
  std::chrono::milliseconds duration{0};
  bool released = true;  // given back: nobody has it
  friend bool operator==(const LeaseState&, const LeaseState&) = default;
};

struct Holding {
  std::int64_t generation = 0;
  std::int64_t node_number = 1;  // of this node, for ever
  std::string node;
  std::string holder;  // which run of it: where a take was lost two may count the same generation
};

// What a call saw of the store beside the lease.
struct StoreSight {
  std::uint64_t newest = 0;         // number of the newest change; 0: there is none
  Bytes bytes, mac;                 // of it, where it is newer than `asked`; not verified
  std::uint64_t asked = 0;          // the change that was asked for; 0: none
  std::optional<LedgerHash> there;  // its hash; nothing: the store has no such change
  bool synchronous = true;          // commits wait for another machine
};

enum class Renewal {
  mine,
  taken,   // somebody else has it
  fenced,  // an administrator has taken it away: Nodes::fence_node()
};
struct Renewed {
  Renewal outcome{};
  StoreSight sight;
};

// What became of the word of a run that answers agents beside the one in charge.
struct Followed {
  enum class Outcome {
    mine,
    behind,  // the store has newer changes: nothing was said
    lost,    // the store has not the change that is in force here: nothing was said
    taken,   // another run has the name
    fenced,
  } outcome{};
  StoreSight sight = {};
  LeaseState lease = {};  // of who is in charge
};

// The row of one run of a node. Failures as of Lease. Not thread-safe.
class FollowerRow {
 public:
  virtual ~FollowerRow() = default;

  // Says that this run answers agents, and that all that the store has is in force there, up to
  // `applied`. What it answers is of one transaction, which was written before the ledger was read.
  // Outcome::mine only when every machine that the store waits for has it.
  virtual Result<Followed> follow(const LedgerPoint& applied, const LedgerPoint& known) = 0;
};

// Failures of every call: Code::store_unavailable, store_corrupt. Not thread-safe.
class Lease {
 public:
  virtual ~Lease() = default;

  virtual Result<LeaseState> read() = 0;
  // Nothing when the lease is not as `seen` any more: somebody else was faster.
  // Code::server_unavailable for a node that is fenced.
  virtual Result<std::optional<Holding>> take(const LeaseState& seen, const std::string& node,
                                              const std::string& holder,
                                              std::chrono::milliseconds duration) = 0;
  // What the store has, and whether it has `known` yet.
  virtual Result<StoreSight> look(const LedgerPoint& known) = 0;
  // What this node is told, or that it is over. Renewal::mine only when every machine that the
  // store waits for has the renewal; the sight is of the same transaction.
  virtual Result<Renewed> renew(const Holding& holding, const LedgerPoint& known) = 0;
  // The next node need not wait.
  virtual Result<void> release(const Holding& holding) = 0;
};

}  // namespace nae::store
