#include "libnae/wire/node_list.hpp"

#include <gtest/gtest.h>

#include "libnae/wire/frame.hpp"
#include "libnae/wire/test_refusal_check.hpp"

namespace nae::wire {
namespace {

Bytes frame_of(const NodeList& list) {
  Bytes frame;
  append_node_list(frame, list);
  return frame;
}

Code code_of(const NodeList& list) {
  const Bytes frame = frame_of(list);
  const auto parsed = parse_node_list(body_of(frame));
  return parsed ? Code{} : parsed.error().code;
}

// As many as asked for, all of one length, in order.
NodeList of_many(std::size_t count) {
  NodeList list{"own", {}};
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(1000 + i);
    list.others.push_back({"ks" + number, "10.0.0.1:" + number});
  }
  return list;
}

TEST(NodeList, GoesBothWays) {
  for (const NodeList& list : {NodeList{}, NodeList{"ks1", {}}, of_many(3)}) {
    const Bytes frame = frame_of(list);
    expect_whole_only(body_of(frame), parse_node_list);
    EXPECT_EQ(*parse_node_list(body_of(frame)), list);
  }
}

TEST(NodeList, HasAtMost64) {
  EXPECT_EQ(code_of(of_many(kMaxListedNodes)), Code{});
  EXPECT_EQ(code_of(of_many(kMaxListedNodes + 1)), Code::protocol_violation);
  Bytes body;
  ByteWriter w(body);
  w.text("ks1");
  w.u16(UINT16_MAX);  // and nothing behind it
  EXPECT_EQ(parse_node_list(body).error().code, Code::protocol_violation);
}

TEST(NodeList, NobodyIsNamedTwiceOrOutOfOrder) {
  EXPECT_EQ(code_of({"a", {{"c", "h:1"}, {"c", "h:2"}}}), Code::protocol_violation);
  EXPECT_EQ(code_of({"a", {{"c", "h:1"}, {"b", "h:2"}}}), Code::protocol_violation);
  EXPECT_EQ(code_of({"a", {{"b", "h:1"}, {"c", "h:1"}}}), Code::protocol_violation);
}

TEST(NodeList, NobodyTellsOfItself) {
  EXPECT_EQ(code_of({"b", {{"a", "h:1"}, {"b", "h:2"}}}), Code::protocol_violation);
}

TEST(NodeList, WhoIsOfNoGroupTellsOfNobody) {
  EXPECT_EQ(code_of({"", {{"a", "h:1"}}}), Code::protocol_violation);
}

TEST(NodeList, NamesAndAddressesHaveTheirLength) {
  const std::string longest_address(kMaxNodeAddressBytes, 'h');
  EXPECT_EQ(code_of({"a", {{std::string(128, 'b'), longest_address}}}), Code{});
  EXPECT_EQ(code_of({"a", {{"b", longest_address + "h"}}}), Code::protocol_violation);
  EXPECT_EQ(code_of({"a", {{std::string(129, 'b'), "h:1"}}}), Code::protocol_violation);
  EXPECT_EQ(code_of({std::string(129, 'a'), {}}), Code::protocol_violation);
  EXPECT_EQ(code_of({"a", {{"b", ""}}}), Code::protocol_violation);
  EXPECT_EQ(code_of({"a", {{"", "h:1"}}}), Code::protocol_violation);
}

TEST(NodeList, WhatWouldForgeALineOfALogIsRefused) {
  for (const char* bad : {"h:1\nevent=x", "h :1", "h\x7f:1", "h\xc3\xa9:1", "\t"})
    EXPECT_EQ(code_of({"a", {{"b", bad}}}), Code::protocol_violation) << bad;
  for (const char* bad : {"b c", "-b", "b\n", "b\"", "b/c"})
    EXPECT_EQ(code_of({"a", {{bad, "h:1"}}}), Code::protocol_violation) << bad;
}

}  // namespace
}  // namespace nae::wire
