// The rows of a store that several key servers share, for tests of who reads them.
#pragma once

#include <string>
#include <vector>

#include "keyserver/store/nodes.hpp"

namespace nae::server {

class TestNodes final : public store::Nodes {
 public:
  Result<std::vector<store::Node>> list_nodes() override {
    if (away) return fail(Code::store_unavailable, "the store is away");
    return nodes;
  }
  Result<std::vector<store::Follower>> list_followers() override { return {}; }
  Result<void> fence_node(std::string_view, std::string_view) override { return {}; }
  Result<void> remove_node(std::string_view, std::string_view) override { return {}; }
  Result<void> allow_node(std::string_view) override { return {}; }
  // Its head of the audit log; in place of what it was.
  void set(const std::string& name, std::uint64_t seq, Byte byte = 1) {
    std::erase_if(nodes, [&](const store::Node& node) { return node.name == name; });
    store::Node node;
    node.name = name;
    node.head.seq = seq;
    node.head.hash.fill(byte);
    nodes.push_back(node);
  }
  std::vector<store::Node> nodes;
  bool away = false;
};

}  // namespace nae::server
