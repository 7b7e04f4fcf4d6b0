// Keys as the key server knows them: names, versions, states. Plain data; key_ring.hpp acts on it.
#pragma once

#include <cstdint>
#include <string>

#include "keyserver/keys/attributes.hpp"
#include "keyserver/keys/version.hpp"
#include "libnae/base/algorithm.hpp"
#include "libnae/base/key_id.hpp"

namespace nae::keys {

struct Key {
  KeyId id;
  std::string name;  // is_name()
  KeyType type{};
  std::int64_t created_at_us = 0;
  Versions versions;  // ascending by number, never empty
  Protection protection = Protection::wrapped;
  Attributes attributes = {};

  // The newest active version: what encrypt, sign and mac use, where encrypt is not asked for
  // another one. nullptr when none is active.
  const Version* primary() const;
  const Version* version(std::uint16_t number) const;
  // As far as versions are not destroyed: imported when one was, else unknown when one is, else
  // generated.
  Origin origin() const;
};

}  // namespace nae::keys
