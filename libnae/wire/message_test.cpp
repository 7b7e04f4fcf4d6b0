// The small messages: hello, contexts, lookups, errors, epochs.
#include <gtest/gtest.h>

#include "libnae/wire/context.hpp"
#include "libnae/wire/error_message.hpp"
#include "libnae/wire/hello.hpp"
#include "libnae/wire/lookup.hpp"
#include "libnae/wire/test_refusal_check.hpp"

namespace nae::wire {
namespace {

Bytes hello_of(std::uint16_t lowest, std::uint16_t highest, const Limits& limits) {
  Bytes frame;
  append_hello(frame, 1, {lowest, highest, limits, "test"});
  return frame;
}

TEST(Hello, GoesBothWays) {
  Bytes frame = hello_of(1, 3, {5000, 7});
  expect_whole_only(body_of(frame), parse_hello);
  auto hello = parse_hello(body_of(frame));
  EXPECT_EQ(hello->lowest_version, 1);
  EXPECT_EQ(hello->highest_version, 3);
  EXPECT_EQ(hello->limits.max_frame_bytes, 5000u);
  EXPECT_EQ(hello->limits.max_items, 7u);
  EXPECT_EQ(hello->software, "test");
}

TEST(Hello, RefusesUselessLimitsAndReversedVersions) {
  EXPECT_TRUE(parse_hello(body_of(hello_of(1, 1, {kMaxFrameBytesBeforeHello, 1}))));
  for (const Bytes& frame : {hello_of(1, 1, {kMaxFrameBytesBeforeHello - 1, 1}),
                             hello_of(1, 1, {kMaxFrameBytesBeforeHello, 0}), hello_of(2, 1, {})})
    EXPECT_EQ(parse_hello(body_of(frame)).error().code, Code::protocol_violation);
}

TEST(Hello, AgreesOnTheSmallerLimits) {
  Hello hello;
  hello.limits = {1u << 20, 100};
  auto reply = agree(hello, {2u << 20, 50});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->limits.max_frame_bytes, 1u << 20);
  EXPECT_EQ(reply->limits.max_items, 50u);
  hello.limits = {UINT32_MAX, UINT32_MAX};
  reply = agree(hello, {UINT32_MAX, UINT32_MAX});
  EXPECT_EQ(reply->limits.max_frame_bytes, kMaxFrameBytesCeiling);
  EXPECT_EQ(reply->limits.max_items, kMaxItemsCeiling);
}

TEST(Hello, RefusesVersionsThatItDoesNotSpeak) {
  Hello hello;
  for (auto [lowest, highest, good] :
       {std::tuple{0, 0, false}, {0, 1, true}, {1, 1, true}, {1, 9, true}, {2, 9, false}}) {
    hello.lowest_version = static_cast<std::uint16_t>(lowest);
    hello.highest_version = static_cast<std::uint16_t>(highest);
    auto reply = agree(hello, {});
    EXPECT_EQ(reply.has_value(), good);
    EXPECT_TRUE(reply || reply.error().code == Code::unsupported_version);
  }
}

Bytes hello_reply_of(const HelloReply& reply) {
  Bytes frame;
  append_hello_reply(frame, 1, reply);
  return frame;
}

TEST(HelloReply, GoesBothWays) {
  Bytes frame = hello_reply_of({1, {5000, 7}, "server", "eu-1", 17});
  expect_whole_only(body_of(frame), parse_hello_reply);
  auto reply = parse_hello_reply(body_of(frame));
  EXPECT_EQ(reply->limits.max_items, 7u);
  EXPECT_EQ(reply->software, "server");
  EXPECT_EQ(reply->server_id, "eu-1");
  EXPECT_EQ(reply->epoch, 17u);
}

TEST(HelloReply, RefusesAnotherVersionAndUselessLimits) {
  HelloReply reply;
  for (std::uint16_t version : {0, 4, 65535}) {
    reply.version = version;
    EXPECT_EQ(parse_hello_reply(body_of(hello_reply_of(reply))).error().code,
              Code::unsupported_version);
  }
  reply.version = 1;
  reply.limits.max_items = 0;
  EXPECT_EQ(parse_hello_reply(body_of(hello_reply_of(reply))).error().code,
            Code::protocol_violation);
}

TEST(HelloReply, OfVersion2HasTheStateAndOfVersion1HasNone) {
  StateDigest digest;
  digest.fill(7);
  const Bytes second = hello_reply_of({2, {5000, 7}, "server", "eu-1", 17, digest});
  expect_whole_only(body_of(second), parse_hello_reply);
  EXPECT_EQ(parse_hello_reply(body_of(second))->state, digest);
  const Bytes first = hello_reply_of({1, {5000, 7}, "server", "eu-1", 17, digest});
  EXPECT_EQ(parse_hello_reply(body_of(first))->state, std::nullopt);
}

TEST(HelloReply, OfVersion3HasTheNodesAndAStateWhereOneIsTold) {
  StateDigest digest;
  digest.fill(7);
  const NodeList nodes{"ks1", {{"ks2", "10.0.0.2:7443"}, {"ks3", "[::1]:7443"}}};
  for (const std::optional<StateDigest>& state : {std::optional(digest), {}}) {
    const Bytes third = hello_reply_of({3, {5000, 7}, "server", "eu-1", 17, state, nodes});
    expect_whole_only(body_of(third), parse_hello_reply);
    EXPECT_EQ(parse_hello_reply(body_of(third))->state, state);
    EXPECT_EQ(parse_hello_reply(body_of(third))->nodes, nodes);
  }
  const Bytes second = hello_reply_of({2, {5000, 7}, "server", "eu-1", 17, digest, nodes});
  EXPECT_EQ(parse_hello_reply(body_of(second))->nodes, NodeList{});
}

TEST(HelloReply, OfVersion3HasAStateOrNone) {
  Bytes frame = hello_reply_of({3, {5000, 7}, "", "", 17, StateDigest{}, {}});
  const std::size_t at = frame.size() - 4 - 32 - 1;  // before the digest, and a list of nobody
  ASSERT_EQ(frame[at], 1);
  frame[at] = 2;
  EXPECT_EQ(parse_hello_reply(body_of(frame)).error().code, Code::protocol_violation);
}

TEST(Hello, AgreesOnTheHighestCommonVersion) {
  auto version = [](std::uint16_t lowest, std::uint16_t highest, std::uint16_t own) {
    Hello hello;
    hello.lowest_version = lowest;
    hello.highest_version = highest;
    auto reply = agree(hello, {}, own);
    return reply ? reply->version : std::uint16_t{0};
  };
  EXPECT_EQ(version(1, 1, 1), 1);
  EXPECT_EQ(version(1, 1, 2), 1);  // an old agent, a new server
  EXPECT_EQ(version(1, 2, 1), 1);  // a new agent, an old server
  EXPECT_EQ(version(1, 2, 2), 2);
  EXPECT_EQ(version(1, 9, 2), 2);
  EXPECT_EQ(version(2, 2, 1), 0);
  EXPECT_EQ(version(3, 9, 2), 0);
  EXPECT_EQ(version(1, 2, 3), 2);  // an agent without nodes, a server with them
  EXPECT_EQ(version(1, 3, 2), 2);
  EXPECT_EQ(version(1, 3, 3), 3);
}

TEST(State, GoesBothWays) {
  StateDigest digest;
  digest.fill(9);
  Bytes frame;
  append_state(frame, digest);
  expect_whole_only(body_of(frame), parse_state);
  EXPECT_EQ(*parse_state(body_of(frame)), digest);
}

TEST(HelloReply, HoldsTheCeilingsAgainstTheServer) {
  HelloReply reply;
  reply.limits = {UINT32_MAX, UINT32_MAX};
  auto parsed = parse_hello_reply(body_of(hello_reply_of(reply)));
  EXPECT_EQ(parsed->limits.max_frame_bytes, kMaxFrameBytesCeiling);
  EXPECT_EQ(parsed->limits.max_items, kMaxItemsCeiling);
}

TEST(Epoch, GoesBothWays) {
  Bytes frame;
  append_epoch(frame, UINT64_MAX);
  expect_whole_only(body_of(frame), parse_epoch);
  EXPECT_EQ(*parse_epoch(body_of(frame)), UINT64_MAX);
}

OpenContext example_context() {
  OpenContext open;
  open.context = 5;
  open.role = {"shop", "clerk", "alice", "alice", {"readers", "staff"}, "psql", "192.0.2.7"};
  return open;
}
ProgramAttestation example_program() {
  return {"postgres", 105, "/usr/bin/postgres", Bytes(32, 9), "postgresql.service"};
}
Bytes frame_of(const OpenContext& open) {
  Bytes frame;
  append_open_context(frame, 2, open);
  return frame;
}

TEST(OpenContext, GoesBothWaysWithAndWithoutProgram) {
  OpenContext open = example_context();
  for (bool attested : {false, true}) {
    if (attested) open.program = example_program();
    if (attested) open.user_token = {'j', 'w', 't'};
    Bytes frame = frame_of(open);
    expect_whole_only(body_of(frame), parse_open_context);
    auto parsed = parse_open_context(body_of(frame));
    EXPECT_EQ(parsed->context, 5u);
    EXPECT_EQ(parsed->role, open.role);
    EXPECT_EQ(parsed->user_token, open.user_token);
    EXPECT_EQ(parsed->program, open.program);
  }
}

TEST(OpenContext, HoldsTheTokenLimitExactly) {
  OpenContext open = example_context();
  open.user_token.assign(kMaxUserTokenBytes, 't');
  EXPECT_EQ(parse_open_context(body_of(frame_of(open)))->user_token, open.user_token);
  // A frame has no room for a longer one: what is too long for its length is cut, and no signature
  // is good for it.
  open.user_token.push_back('t');
  EXPECT_EQ(parse_open_context(body_of(frame_of(open)))->user_token.size(), kMaxUserTokenBytes);
}

TEST(OpenContext, HoldsTheMembershipLimitExactly) {
  OpenContext open = example_context();
  open.role.memberships.assign(kMaxMemberships, "r");
  EXPECT_TRUE(parse_open_context(body_of(frame_of(open))));
  open.role.memberships.emplace_back("r");
  EXPECT_EQ(parse_open_context(body_of(frame_of(open))).error().code, Code::protocol_violation);
}

TEST(OpenContext, BoundsTheRoleClaimsAndNeitherTokenNorProgram) {
  OpenContext open = example_context();
  open.role = {};
  Bytes frame;
  append_open_context(frame, 1, open);
  std::size_t room = kMaxRoleClaimBytes - body_of(frame).size() + 3;  // less token and presence
  while (room > 0) {
    std::size_t text = std::min<std::size_t>(room - 2, 60'000);
    if (room - 2 - text == 1) --text;
    open.role.memberships.emplace_back(text, 'r');
    room -= text + 2;
  }
  open.program.emplace();
  open.program->name = "postgres";
  open.user_token.assign(kMaxUserTokenBytes, 't');
  frame.clear();
  append_open_context(frame, 1, open);
  EXPECT_TRUE(parse_open_context(body_of(frame)));
  open.role.memberships.back() += 'r';
  frame.clear();
  append_open_context(frame, 1, open);
  EXPECT_EQ(parse_open_context(body_of(frame)).error().code, Code::protocol_violation);
}

TEST(OpenContext, RefusesDigestsOfOtherSizes) {
  OpenContext open = example_context();
  open.program = example_program();
  for (std::size_t size : {1, 20, 31, 33, 64, 255}) {
    open.program->executable_sha256.assign(size, 9);
    EXPECT_FALSE(parse_open_context(body_of(frame_of(open)))) << size;
  }
  open.program->executable_sha256.clear();  // not readable
  EXPECT_TRUE(parse_open_context(body_of(frame_of(open))));
}

TEST(OpenContext, RefusesAPresenceByteThatIsNeither) {
  Bytes frame = frame_of(example_context());
  for (int value = 2; value < 256; ++value) {
    frame.back() = static_cast<Byte>(value);
    EXPECT_FALSE(parse_open_context(body_of(frame)));
  }
}

TEST(ContextNumber, GoesBothWays) {
  Bytes opened, closed;
  append_context_opened(opened, 2, 0xfffffffe);
  append_close_context(closed, 0xfffffffe);
  for (const Bytes& frame : {opened, closed}) {
    expect_whole_only(body_of(frame), parse_context_number);
    EXPECT_EQ(*parse_context_number(body_of(frame)), 0xfffffffe);
  }
}

TEST(Lookup, AcceptsKnownSubjectsOnly) {
  for (int subject = 0; subject < 256; ++subject) {
    Bytes frame;
    append_lookup(frame, 7, {5, static_cast<LookupSubject>(subject)});
    bool known = (subject >= 1 && subject <= 4) || subject == 16;
    EXPECT_EQ(parse_lookup(body_of(frame)).has_value(), known) << subject;
    // A later asker's question is answered, and ends nobody's connection.
    if (!known) {
      EXPECT_EQ(parse_lookup(body_of(frame)).error().code, Code::unsupported) << subject;
    }
    if (known) expect_whole_only(body_of(frame), parse_lookup);
  }
}

Bytes frame_of(const Table& table) {
  Bytes frame;
  append_lookup_reply(frame, 7, table);
  return frame;
}

TEST(LookupReply, GoesBothWays) {
  Table table{{"name", "state"}, {{"a", "active"}, {"b", std::nullopt}, {"", ""}}};
  Bytes frame = frame_of(table);
  expect_whole_only(body_of(frame), parse_lookup_reply);
  auto parsed = parse_lookup_reply(body_of(frame));
  EXPECT_EQ(parsed->columns, table.columns);
  EXPECT_EQ(parsed->rows, table.rows);
  EXPECT_TRUE(parse_lookup_reply(body_of(frame_of(Table{{"name"}, {}}))));
}

TEST(LookupReply, RefusesCountsThatLie) {
  EXPECT_FALSE(parse_lookup_reply(body_of(frame_of(Table{}))));  // no columns
  EXPECT_TRUE(parse_lookup_reply(body_of(frame_of(Table{std::vector<std::string>(64), {}}))));
  EXPECT_FALSE(parse_lookup_reply(body_of(frame_of(Table{std::vector<std::string>(65), {}}))));
  Bytes frame = frame_of(Table{{"c"}, {{std::nullopt}}});
  std::size_t rows_at = kFrameHeaderBytes + 2 + 3;
  for (std::uint32_t rows : {0u, 2u, 0xffffffffu}) {
    store_big_endian(frame.data() + rows_at, rows);
    EXPECT_FALSE(parse_lookup_reply(body_of(frame))) << rows;
  }
}

TEST(LookupReply, RefusesAPresenceByteThatIsNeither) {
  Bytes frame = frame_of(Table{{"c"}, {{std::nullopt}}});
  frame.back() = 2;
  EXPECT_FALSE(parse_lookup_reply(body_of(frame)));
}

TEST(ErrorMessage, GoesBothWays) {
  ErrorMessage message{{Code::overloaded, "busy", "wait"}, 1500};
  Bytes frame;
  append_error(frame, 3, message);
  expect_whole_only(body_of(frame), parse_error);
  auto parsed = parse_error(body_of(frame));
  EXPECT_EQ(parsed->error, message.error);
  EXPECT_EQ(parsed->retry_after_ms, 1500u);
}

TEST(ErrorMessage, KeepsTheNumberOfAnUnknownCode) {
  Bytes frame;
  append_error(frame, 3, {{Code::denied, "new", ""}, 0});
  store_big_endian(frame.data() + kFrameHeaderBytes, std::uint16_t{999});
  auto parsed = parse_error(body_of(frame));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->error.code, Code::internal);
  EXPECT_EQ(parsed->error.message, "new (code 999)");
}

}  // namespace
}  // namespace nae::wire
