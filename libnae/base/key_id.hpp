// KeyId: the 48-bit random number that names a key inside envelopes, logs and the store. Names may
// be reused after destruction, ids never are.
#pragma once

#include <array>
#include <compare>
#include <cstring>
#include <functional>

#include "libnae/base/bytes.hpp"

namespace nae {

inline constexpr std::size_t kKeyIdBytes = 6;

struct KeyId {
  std::array<Byte, kKeyIdBytes> bytes{};
  friend auto operator<=>(const KeyId&, const KeyId&) = default;
};

// One generation of a key; generations count from 1.
struct KeyVersionId {
  KeyId key;
  std::uint16_t version = 0;
  friend auto operator<=>(const KeyVersionId&, const KeyVersionId&) = default;
};

}  // namespace nae

template <>
struct std::hash<nae::KeyId> {
  std::size_t operator()(const nae::KeyId& id) const noexcept {
    std::uint64_t bits = 0;  // the id is random already
    std::memcpy(&bits, id.bytes.data(), id.bytes.size());
    return std::hash<std::uint64_t>{}(bits);
  }
};
template <>
struct std::hash<nae::KeyVersionId> {
  std::size_t operator()(const nae::KeyVersionId& id) const noexcept {
    return std::hash<nae::KeyId>{}(id.key) * 31 + id.version;
  }
};
