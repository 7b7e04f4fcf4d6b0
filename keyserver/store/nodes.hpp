// Nodes: the key servers of a group, as its store knows them. docs/spec/group.md, "Nodes".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keyserver/audit/chain.hpp"
#include "keyserver/store/change.hpp"
#include "libnae/base/result.hpp"

namespace nae::store {

// Numbers stand in the store.
enum class NodeState : std::int64_t { left = 0, waiting = 1, in_charge = 2, following = 3 };

struct Node {
  std::string name;
  NodeState state = NodeState::left;  // as it said last
  bool silent = false;                // it said so longer ago than its word is good for
  std::string version, address;       // as it says of itself
  std::int64_t quiet_ms = 0;          // since it was heard of, by the store's clock
  std::uint64_t newest = 0;           // number of the newest change that it has seen
  std::uint64_t applied = 0;          // of one that follows: of the newest that is in force there
  std::string fenced;                 // why; empty: it is not
  audit::ChainPoint head;             // the newest signed head of its audit log; 0: none was kept
};

// What a run of a node says of itself.
struct NodeBeat {
  std::string name, run, version, address;
  std::chrono::milliseconds duration{0};  // for how long its word is good
  LedgerPoint newest = {};
};

// What the store shows of the run that has a node's name.
struct NodeRun {
  std::string run;  // empty: there was none
  std::int64_t beat = 0;
  std::chrono::milliseconds duration{0};
  bool left = true;
  std::string address;
  bool in_charge = false;  // as it said last
};

// A run that answers agents beside the one in charge: what a change has to wait for.
struct Follower {
  std::string name, run;
  std::int64_t beat = 0;
  std::chrono::milliseconds duration{0};
  LedgerPoint applied;  // the newest change that is in force there
  friend bool operator==(const Follower&, const Follower&) = default;
};

// The fact of the ledger that says that the node may not have the lease.
inline std::string fence_of(std::string_view node) {
  return "fenced-node/" + std::string(node);
}

// The fact that it is gone for ever: it is not listed while nothing is heard of it. Such a node is
// fenced as well: its number stays its own, and who comes back under its name is seen, and waits.
inline std::string removal_of(std::string_view node) {
  return "removed-node/" + std::string(node);
}

// Failures of every call: Code::unsupported when the store is one key server's own, else as Meta.
class Nodes {
 public:
  virtual ~Nodes() = default;

  virtual Result<std::vector<Node>> list_nodes() = 0;          // by name
  virtual Result<std::vector<Follower>> list_followers() = 0;  // by name; also who is silent
  // Code::not_found for a name that no node has, Code::conflict when it is fenced already, or when
  // no other one would be left that may take the lease.
  virtual Result<void> fence_node(std::string_view name, std::string_view reason) = 0;
  // Of one that has left, or is fenced and silent. Code::not_found for a name that no node has, or
  // that was removed already; Code::conflict when it may be there.
  virtual Result<void> remove_node(std::string_view name, std::string_view reason) = 0;
  // Of one that was removed too. Code::conflict when it is not fenced.
  virtual Result<void> allow_node(std::string_view name) = 0;
};

}  // namespace nae::store
