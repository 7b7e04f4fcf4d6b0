// Lookup: questions whose answer is a small table: who am I, which keys, agent statistics.
#pragma once

#include <cstdint>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"
#include "libnae/base/table.hpp"

namespace nae::wire {

enum class LookupSubject : std::uint8_t {
  whoami = 1,        // (property, value)
  keys = 2,          // (name, type, state, primary_version, actions) of keys this context may use
  key_ids = 3,       // (name, id) of the same keys: what envelopes name them by
  objects = 4,       // a row a version: docs/spec/wire.md, "Lookup"
  agent_stats = 16,  // (name, value), answered by the agent itself
};

struct Lookup {
  std::uint32_t context = 0;
  LookupSubject subject{};
};

void append_lookup(Bytes& out, std::uint64_t request_id, const Lookup& lookup);
// Code::unsupported for a subject of a later time: the frame is whole, the connection goes on.
Result<Lookup> parse_lookup(ByteView body);

void append_lookup_reply(Bytes& out, std::uint64_t request_id, const Table& table);
Result<Table> parse_lookup_reply(ByteView body);

}  // namespace nae::wire
