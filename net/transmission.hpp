// What the kernel knows of the bytes that one TCP socket was given.
#pragma once

#include <cstdint>

namespace nae::net {

// Since the connection began.
struct Transmission {
  std::uint64_t written = 0;       // by this side, also what waits in the kernel
  std::uint64_t acknowledged = 0;  // by the peer's host
};

// Equal counts where the kernel counts nothing: sockets that are not TCP.
Transmission transmission_of(int descriptor);

// Closing the socket then resets the connection instead of sending what waits.
void discard_unacknowledged(int descriptor);

}  // namespace nae::net
