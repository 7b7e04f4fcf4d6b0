#include "keyserver/store/nodes.hpp"

#include <algorithm>

#include "keyserver/store/ledger_item.hpp"
#include "keyserver/store/sql/recorded.hpp"
#include "keyserver/store/sql/store.hpp"

namespace nae::store::sql {
namespace {

Result<void> check_shared(const Database& database) {
  if (database.is_shared()) return {};
  return fail(Code::unsupported, "the store is this key server's own: there is no group",
              "Several key servers are one where their store is a PostgreSQL.");
}

bool may_be_there(const Node& node) {
  return node.state != NodeState::left && !node.silent;
}

Result<std::vector<Node>> read_nodes(Database& database) {
  NAE_ASSIGN(
      Statement rows,
      database.query("SELECT n.name, n.state, n.version, n.address, n.epoch, n.duration_ms,"
                     " (extract(epoch FROM clock_timestamp() - n.heard_at) * 1000)::bigint,"
                     " m.value, n.applied, coalesce(h.seq, 0), h.hash, (r.name IS NOT NULL)::int"
                     " FROM nodes AS n"
                     " LEFT JOIN audit_head AS h ON h.one = n.number"
                     " LEFT JOIN meta AS m ON m.name = 'fenced-node/' || n.name"
                     " LEFT JOIN meta AS r ON r.name = 'removed-node/' || n.name"
                     " ORDER BY n.name"));
  std::vector<Node> nodes;
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return nodes;
    Node node;
    node.name = rows.text(0);
    node.state = static_cast<NodeState>(rows.integer(1));
    node.version = rows.text(2);
    node.address = rows.text(3);
    node.newest = static_cast<std::uint64_t>(rows.integer(4));
    node.quiet_ms = std::max<std::int64_t>(rows.integer(6), 0);
    node.silent = node.state != NodeState::left && node.quiet_ms > rows.integer(5);
    node.fenced = rows.text(7);
    if (node.state == NodeState::following)
      node.applied = static_cast<std::uint64_t>(rows.integer(8));
    node.head.seq = static_cast<std::uint64_t>(rows.integer(9));
    if (const Bytes hash = rows.blob(10); hash.size() == node.head.hash.size())
      std::ranges::copy(hash, node.head.hash.begin());
    else if (node.head.seq != 0)
      return fail(Code::store_corrupt, "the store's head of the audit log has no hash");
    const bool removed = rows.integer(11) != 0;
    if (!removed || may_be_there(node)) nodes.push_back(std::move(node));
  }
}

Result<void> take_in_again(Database& database, Recorded& change, const std::string& removal) {
  NAE_ASSIGN(Statement row,
             database.query("SELECT 1 FROM meta WHERE name = ?1", std::string_view(removal)));
  NAE_ASSIGN(const bool removed, row.step());
  if (!removed) return {};
  NAE_TRY(change.touch(Noun::fact, identity_of(removal)));
  return database.execute("DELETE FROM meta WHERE name = ?1", std::string_view(removal));
}

}  // namespace

Result<std::vector<Node>> Store::list_nodes() {
  std::lock_guard lock(mutex_);
  NAE_TRY(check_shared(*database_));
  return read_nodes(*database_);
}

Result<std::vector<Follower>> Store::list_followers() {
  std::lock_guard lock(mutex_);
  NAE_TRY(check_shared(*database_));
  NAE_ASSIGN(Statement rows,
             database_->query("SELECT name, run, beat, duration_ms, applied, applied_hash"
                              " FROM nodes WHERE state = ?1 ORDER BY name",
                              static_cast<std::int64_t>(NodeState::following)));
  std::vector<Follower> followers;
  while (true) {
    NAE_ASSIGN(const bool row, rows.step());
    if (!row) return followers;
    Follower follower{rows.text(0),
                      rows.text(1),
                      rows.integer(2),
                      std::chrono::milliseconds(rows.integer(3)),
                      {static_cast<std::uint64_t>(rows.integer(4)), {}}};
    const Bytes hash = rows.blob(5);
    if (hash.size() == follower.applied.hash.size())
      std::ranges::copy(hash, follower.applied.hash.begin());
    followers.push_back(std::move(follower));
  }
}

Result<void> Store::fence_node(std::string_view name, std::string_view reason) {
  std::lock_guard lock(mutex_);
  NAE_TRY(check_shared(*database_));
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(const std::vector<Node> nodes, read_nodes(*database_));
  const auto node = std::ranges::find(nodes, name, &Node::name);
  if (node == nodes.end())
    return fail(Code::not_found, "the group has no node " + std::string(name),
                "See 'nae node list'.");
  if (!node->fenced.empty())
    return fail(Code::conflict, "node " + node->name + " is fenced already: " + node->fenced);
  const bool another = std::ranges::any_of(nodes, [&](const Node& other) {
    return other.name != name && other.fenced.empty() && may_be_there(other);
  });
  if (!another)
    return fail(Code::conflict, "no other node is there that may take the lease",
                "Start another one first.");
  const std::string fact = fence_of(name);
  NAE_TRY(change.touch(Noun::fact, identity_of(fact)));
  NAE_TRY(database_->execute("INSERT INTO meta (name, value) VALUES (?1, ?2)",
                             std::string_view(fact), reason));
  return change.commit(ChangeKind::node_fenced);
}

Result<void> Store::remove_node(std::string_view name, std::string_view reason) {
  std::lock_guard lock(mutex_);
  NAE_TRY(check_shared(*database_));
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  NAE_ASSIGN(const std::vector<Node> nodes, read_nodes(*database_));
  const auto node = std::ranges::find(nodes, name, &Node::name);
  if (node == nodes.end())
    return fail(Code::not_found, "the group has no node " + std::string(name),
                "See 'nae node list'.");
  if (may_be_there(*node))
    return fail(Code::conflict, "node " + node->name + " is there", "Stop it first.");
  if (node->state != NodeState::left && node->fenced.empty())
    return fail(Code::conflict,
                "node " + node->name + " is silent, and did not say that it left: it may come back",
                "Make sure that it is down, and fence it: nae node fence " + node->name);
  // A follower of a release that does not know the change would end at it.
  const auto there = std::ranges::find_if(nodes, may_be_there);
  const auto differs = std::ranges::find_if(nodes, [&](const Node& other) {
    return may_be_there(other) && other.version != there->version;
  });
  if (differs != nodes.end())
    return fail(Code::conflict,
                "nodes " + there->name + " and " + differs->name + " are of different releases",
                "Upgrade all nodes of the group first: one of an older release may not know a "
                "removal, and would end.");
  std::vector<std::string> facts{removal_of(name)};
  if (node->fenced.empty()) facts.push_back(fence_of(name));
  for (const std::string& fact : facts) {
    NAE_TRY(change.touch(Noun::fact, identity_of(fact)));
    NAE_TRY(database_->execute("INSERT INTO meta (name, value) VALUES (?1, ?2)",
                               std::string_view(fact), reason));
  }
  return change.commit(ChangeKind::node_removed);
}

Result<void> Store::allow_node(std::string_view name) {
  std::lock_guard lock(mutex_);
  NAE_TRY(check_shared(*database_));
  NAE_ASSIGN(Recorded change, Recorded::begin(*database_, *ledger_));
  const std::string fact = fence_of(name);
  NAE_TRY(change.touch(Noun::fact, identity_of(fact)));
  NAE_TRY(database_->execute("DELETE FROM meta WHERE name = ?1", std::string_view(fact)));
  if (database_->changes() == 0)
    return fail(Code::conflict, "node " + std::string(name) + " is not fenced");
  NAE_TRY(take_in_again(*database_, change, removal_of(name)));
  return change.commit(ChangeKind::node_allowed);
}

}  // namespace nae::store::sql
