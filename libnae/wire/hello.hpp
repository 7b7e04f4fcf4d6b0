// Hello: both sides name themselves and agree on version and limits. Always the first frame.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/wire/limits.hpp"
#include "libnae/wire/node_list.hpp"

namespace nae::wire {

// SHA-256 over everything that two servers of one store have in common: docs/spec/wire.md, "State".
using StateDigest = std::array<Byte, 32>;

struct Hello {
  std::uint16_t lowest_version = kProtocolVersion;
  std::uint16_t highest_version = kProtocolVersion;
  Limits limits;
  std::string software;  // "nae-agent 0.2.0", for logs only
};

struct HelloReply {
  std::uint16_t version = kProtocolVersion;
  Limits limits;
  std::string software;
  std::string server_id;                  // stable for a group of servers that share keys
  std::uint64_t epoch = 0;                // policy epoch in force
  std::optional<StateDigest> state = {};  // of version 2, and always there; of version 3 it may be
  NodeList nodes = {};                    // of version 3
};

void append_hello(Bytes& out, std::uint64_t request_id, const Hello& hello);
Result<Hello> parse_hello(ByteView body);

void append_hello_reply(Bytes& out, std::uint64_t request_id, const HelloReply& reply);
// Of any version that is known here; whether it is one that was offered the caller looks.
Result<HelloReply> parse_hello_reply(ByteView body);

// What the answering side, which speaks versions up to `highest`, replies to `hello`: the highest
// common version and the smaller limits. Code::unsupported_version when no version is common.
Result<HelloReply> agree(const Hello& hello, const Limits& own,
                         std::uint16_t highest = kProtocolVersion);

// The policy epoch, pushed by the server whenever a policy or key change takes force.
void append_epoch(Bytes& out, std::uint64_t epoch);
Result<std::uint64_t> parse_epoch(ByteView body);

// The digest of the state, pushed by the server whenever it has changed, on connections of
// version 2 and later ones whose hello reply has one.
void append_state(Bytes& out, const StateDigest& state);
Result<StateDigest> parse_state(ByteView body);

}  // namespace nae::wire
