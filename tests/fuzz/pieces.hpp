// A stream as it comes from a socket: in pieces.
#pragma once

#include <algorithm>

#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

// Calls `next` for each piece until it answers false.
template <class Next>
void read_in_pieces(ByteView stream, std::size_t piece_bytes, Next next) {
  while (!stream.empty()) {
    const ByteView piece = stream.first(std::min(piece_bytes, stream.size()));
    if (!next(piece)) return;
    stream = stream.subspan(piece.size());
  }
}

}  // namespace nae::fuzz
