// Keys as the key server knows them: names, versions, states. Plain data; key_ring.hpp acts on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/bytes.hpp"
#include "libnae/base/key_id.hpp"

namespace nae::keys {

// Values stand in the store. NIST SP 800-57 part 1 section 7 names the same stages.
enum class State : std::uint8_t {
  pre_active = 1,
  active = 2,
  restricted = 3,  // decrypt, verify, mac-verify and the reading half of rewrap only
  retired = 4,     // nothing, until restored to restricted
  destroyed = 5,   // nothing, ever; the material is gone
};

// What the HSM made: secret material leaves it only wrapped.
struct Material {
  Bytes wrapped;             // AES-KWP (RFC 5649) under the group key; empty for a token object
  std::string token_object;  // CKA_LABEL of an object that the module cannot wrap: not portable
  Bytes public_key;          // SubjectPublicKeyInfo DER of a key pair, else empty
};

struct Version {
  std::uint16_t number = 0;  // from 1
  State state = State::active;
  std::int64_t created_at_us = 0;  // Unix time
  Material material;
};

struct Key {
  KeyId id;
  std::string name;  // is_name()
  KeyType type{};
  std::int64_t created_at_us = 0;
  std::vector<Version> versions;  // ascending by number, never empty

  // The newest active version: what encrypt, sign and mac use. nullptr when none is active.
  const Version* primary() const;
  const Version* version(std::uint16_t number) const;
};

}  // namespace nae::keys
