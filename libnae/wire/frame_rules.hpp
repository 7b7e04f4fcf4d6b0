// Frame rules: which side sends each type of frame, in which phase of a connection, with a request
// id or without. One table for all four who read frames. docs/spec/wire.md, States.
#pragma once

#include "libnae/wire/frame.hpp"
#include "libnae/wire/limits.hpp"

namespace nae::wire {

// Who sent a frame.
enum class Side : std::uint8_t { asker, answerer };
// `fresh` until the frame with which the sender begins: hello, or hello_reply.
enum class Phase : std::uint8_t { fresh, greeted };

// What may be read of the frame on from here. `version` is what was agreed, for the greeted phase.
// Code::protocol_violation: its type is not the sender's, or does not belong here, or its id or
// its body is not what the type has. The body of a type that has one is not looked at.
Result<void> admit(const Frame& frame, Side sender, Phase phase,
                   std::uint16_t version = kProtocolVersion);

}  // namespace nae::wire
