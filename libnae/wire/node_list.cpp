#include "libnae/wire/node_list.hpp"

#include <algorithm>
#include <set>

#include "libnae/base/text.hpp"
#include "libnae/wire/frame.hpp"

namespace nae::wire {
namespace {

// It stands in logs and in labels of metrics.
bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNodeAddressBytes &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

bool well_formed(const NodeList& list) {
  if (list.own.empty()) return list.others.empty();
  if (!is_name(list.own) || list.others.size() > kMaxListedNodes) return false;
  std::set<std::string_view> addresses;
  const std::string* before = nullptr;
  for (const ListedNode& node : list.others) {
    if (!is_name(node.name) || node.name == list.own) return false;
    if (before != nullptr && node.name <= *before) return false;
    if (!is_address(node.address) || !addresses.insert(node.address).second) return false;
    before = &node.name;
  }
  return true;
}

void put_node_list(ByteWriter& w, const NodeList& list) {
  w.text(list.own);
  w.u16(static_cast<std::uint16_t>(list.others.size()));
  for (const ListedNode& node : list.others) {
    w.text(node.name);
    w.text(node.address);
  }
}

Result<NodeList> get_node_list(ByteReader& in) {
  NodeList list;
  list.own = in.text();
  const std::uint16_t count = in.u16();
  if (count > kMaxListedNodes)
    return fail(Code::protocol_violation, "a list of " + std::to_string(count) + " nodes");
  for (std::uint16_t i = 0; i < count && in.ok(); ++i) {
    ListedNode node;
    node.name = in.text();
    node.address = in.text();
    list.others.push_back(std::move(node));
  }
  if (!in.ok() || !well_formed(list))
    return fail(Code::protocol_violation, "malformed list of nodes");
  return list;
}

void append_node_list(Bytes& out, const NodeList& list) {
  const std::size_t at = begin_frame(out, FrameType::nodes, 0);
  ByteWriter w(out);
  put_node_list(w, list);
  finish_frame(out, at);
}

Result<NodeList> parse_node_list(ByteView body) {
  ByteReader in(body);
  NAE_ASSIGN(NodeList list, get_node_list(in));
  if (!in.complete()) return fail(Code::protocol_violation, "malformed list of nodes");
  return list;
}

}  // namespace nae::wire
