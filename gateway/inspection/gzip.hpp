// gzip (RFC 1952): the content coding that a gateway undoes to look into a body. The application
// gets the body without it, so that both read the same bytes.
#pragma once

#include <cstddef>

#include "gateway/inspection/refusal.hpp"
#include "libnae/base/bytes.hpp"

namespace nae::gateway {

// A body of a few bytes must not become one that is as large as a route allows: beyond the first
// kFreeBytes a body is at most kMaxRatio times as large as what came.
inline constexpr std::size_t kFreeBytes = 64 << 10, kMaxRatio = 100;
constexpr std::size_t most_out_of(std::size_t bytes) {
  return kFreeBytes + kMaxRatio * bytes;
}

// What `body` holds, at most `most` bytes. Status 400, gzip_malformed: no gzip, one that ends early
// or whose checksum is not right, or more than one member or other bytes behind it; 413,
// body_too_large or body_too_dense.
Understood<Bytes> gunzip(ByteView body, std::size_t most);

}  // namespace nae::gateway
