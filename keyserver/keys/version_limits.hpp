// How much one version of a key may encrypt before it is rotated. docs/spec/envelope.md has the
// bound and the attack behind each number.
#pragma once

#include <cstdint>
#include <optional>

#include "keyserver/keys/key.hpp"
#include "libnae/base/result.hpp"

namespace nae::keys {

// Salts of Format::aes_256_gcm_lease: after so many two are equal with a probability of 2^-33.
inline constexpr std::int64_t kMaxSalts = std::int64_t{1} << 24;
// Values of Format::aes_256_siv, and of randomized envelopes all salts together.
inline constexpr std::int64_t kMaxUses = std::int64_t{1} << 48;
// Values of Format::aes_256_gcm_hsm, whose nonces are random (SP 800-38D section 8.3: 2^32). The
// rest is left for what other threads have under way when a request is looked at.
inline constexpr std::int64_t kMaxHsmUses = 4'000'000'000;

struct VersionLimits {
  std::int64_t uses;   // values encrypted
  std::int64_t salts;  // 0: it draws none
};

// Nothing for types that do not encrypt.
std::optional<VersionLimits> limits_of(KeyType type, Protection protection);

// Code::key_exhausted when `items` more values would be too many for the version.
Result<void> check_uses(const Key& key, const Version& version, std::uint64_t items);
// The same for one more salt.
Result<void> check_salts(const Key& key, const Version& version);

}  // namespace nae::keys
