// Tunnel: a connection whose protocol has changed (RFC 9110 section 7.8). Bytes pass both ways and
// nobody looks into them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>

#include "gateway/channel.hpp"
#include "gateway/upstream_pool.hpp"

namespace nae::gateway {

// One end: its buffer has what was read of it already.
struct TunnelEnd {
  Channel& channel;
  WipedBuffer& buffer;
};
struct Carried {
  std::uint64_t from_client = 0, to_client = 0;  // bytes
};

// Until one end has no more, or fails, or nothing came from either for as long as `idle`, which
// closes both channels. What came before the end has been passed on then.
boost::asio::awaitable<Carried> carry_both_ways(TunnelEnd client, TunnelEnd upstream,
                                                std::chrono::milliseconds idle);

}  // namespace nae::gateway
