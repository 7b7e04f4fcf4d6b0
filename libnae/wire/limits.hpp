// Every limit of the protocol in one place, but for that of an action
// (libnae/base/action_form.hpp). Hello agrees on the smaller of both sides' values;
// the ceilings below hold whatever a peer asks for (docs/spec/wire.md, "Limits").
#pragma once

#include <algorithm>
#include <cstdint>

namespace nae::wire {

inline constexpr std::uint16_t kProtocolVersion = 1;
// Version 1, and the key server tells the digest of its state. Only agents ask for it.
inline constexpr std::uint16_t kVersionWithState = 2;
// Version 2, with a state where the key server tells one, and the nodes of its group.
inline constexpr std::uint16_t kVersionWithNodes = 3;

inline constexpr std::uint32_t kFrameHeaderBytes = 16;
inline constexpr std::uint32_t kMaxFrameBytesCeiling = 64u << 20;  // body of one frame
inline constexpr std::uint32_t kMaxFrameBytesDefault = 32u << 20;
inline constexpr std::uint32_t kMaxFrameBytesBeforeHello = 4096;  // a stranger gets little memory
inline constexpr std::uint32_t kMaxItemsCeiling = 100'000;        // of one crypto request
inline constexpr std::uint32_t kMaxItemsDefault = 65'536;
inline constexpr std::uint32_t kMaxContexts = 4096;              // open on one connection
inline constexpr std::uint32_t kMaxMemberships = 4096;           // roles in one context
inline constexpr std::uint32_t kMaxRoleClaimBytes = 512u << 10;  // of one context
inline constexpr std::uint32_t kMaxUserTokenBytes = 65'535;      // of one context
inline constexpr std::uint32_t kMaxUserTokenBytesOfVersion1 = 8u << 10;
inline constexpr std::uint32_t kMaxContextBytes = 64u << 20;  // open on one connection to a server
inline constexpr std::uint32_t kMaxLookupCells = 1'000'000;   // of one lookup reply
inline constexpr std::uint32_t kMaxAadBytes = 64u << 10;      // of one item

// What both sides of a connection hold themselves to after Hello.
struct Limits {
  std::uint32_t max_frame_bytes = kMaxFrameBytesDefault;
  std::uint32_t max_items = kMaxItemsDefault;
};

// The body of an error with the longest message and hint.
inline constexpr std::uint32_t kMaxErrorBytes = 2 + 4 + 2 * (2 + 65'535);

// An answer holds what was asked for, and every item may grow by an envelope: its body is at most
// this, whatever it is. Who asks and who passes answers on read with this bound, who answers
// refuses to pass it.
constexpr std::uint32_t max_reply_bytes(const Limits& limits) {
  return std::max(limits.max_frame_bytes + 64 * limits.max_items, kMaxErrorBytes);
}

}  // namespace nae::wire
