// NodeList: the key servers of a group, as one of them tells them to agents. docs/spec/wire.md,
// "Nodes". Whoever can write the group's store can write names and addresses: a reader takes them
// for hints where to look, and trusts what it finds there by its certificate alone.
#pragma once

#include <string>
#include <vector>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::wire {

inline constexpr std::size_t kMaxListedNodes = 64;
inline constexpr std::size_t kMaxNodeAddressBytes = 262;  // of a DNS name, a port and brackets

struct ListedNode {
  std::string name;
  std::string address;  // "host:port"; whether it is one its user looks
  friend bool operator==(const ListedNode&, const ListedNode&) = default;
};

struct NodeList {
  std::string own;                 // who tells it; empty: it is of no group
  std::vector<ListedNode> others;  // by name
  friend bool operator==(const NodeList&, const NodeList&) = default;
};

// Nobody is named twice, nor where somebody else is, and nobody tells of itself.
bool well_formed(const NodeList& list);

void put_node_list(ByteWriter& w, const NodeList& list);
// Code::protocol_violation for what is not well formed. What follows it stays in `in`.
Result<NodeList> get_node_list(ByteReader& in);

// Pushed by the server whenever the list has changed, on connections of version 3.
void append_node_list(Bytes& out, const NodeList& list);
Result<NodeList> parse_node_list(ByteView body);

}  // namespace nae::wire
