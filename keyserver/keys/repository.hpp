// Where keys are kept. keyserver/store/ implements it; every call is one durable transaction.
#pragma once

#include <vector>

#include "keyserver/keys/key.hpp"
#include "libnae/base/result.hpp"

namespace nae::keys {

class Repository {
 public:
  virtual ~Repository() = default;

  virtual Result<std::vector<Key>> load_keys() = 0;
  // Code::key_exists when the name is taken, Code::conflict when another version has, or had, the
  // check value.
  virtual Result<void> insert_key(const Key& key) = 0;
  // Code::conflict when the version exists, or the check value.
  virtual Result<void> insert_version(const KeyId& key, const Version& version) = 0;
  // Code::not_found when the version does not exist. Takes `schedule` in the place of the one it
  // had; State::destroyed also erases the material.
  virtual Result<void> set_state(const KeyVersionId& version, State state, std::int64_t now_us,
                                 const std::vector<Step>& schedule) = 0;
  // Code::not_found when the version does not exist.
  virtual Result<void> set_schedule(const KeyVersionId& version,
                                    const std::vector<Step>& schedule) = 0;
  // Takes `chain` in the place of Version::certificates; empty: none. Code::not_found when the
  // version does not exist, Code::key_state when it is destroyed.
  virtual Result<void> set_certificates(const KeyVersionId& version, ByteView chain) = 0;
  // Code::not_found when the key does not exist.
  virtual Result<void> set_attributes(const KeyId& key, const Attributes& attributes) = 0;
};

// What the HSM says of a version that the store has already.
struct BoundVersion {
  KeyVersionId id;
  Binding binding;
  std::int64_t retired_at_us = 0;  // not 0: it serves nobody from then on
};

// Binds rows of older servers: what a ring makes it binds itself.
class BindingRepository : public Repository {
 public:
  virtual Result<void> bind_versions(const std::vector<BoundVersion>& versions) = 0;  // all or none
};

}  // namespace nae::keys
