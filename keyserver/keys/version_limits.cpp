#include "keyserver/keys/version_limits.hpp"

namespace nae::keys {
namespace {

Result<void> exhausted(const Key& key, const Version& version, const char* of_what) {
  return fail(Code::key_exhausted,
              "version " + std::to_string(version.number) + " of key '" + key.name +
                  "' has encrypted with as many " + of_what + " as its algorithm allows",
              "Rotate the key: nae key rotate " + key.name);
}

}  // namespace

std::optional<VersionLimits> limits_of(KeyType type, Protection protection) {
  const bool in_hsm = protection == Protection::hsm_only;
  switch (type) {
    case KeyType::aes_256_gcm:
      return in_hsm ? VersionLimits{kMaxHsmUses, 0} : VersionLimits{kMaxUses, kMaxSalts};
    // Whatever the mode: of GCM with random IVs it is what SP 800-38D section 8.3 bears, and more
    // of one that the caller counts is for the next version.
    case KeyType::aes_256_raw:
      return VersionLimits{kMaxHsmUses, 0};
    case KeyType::aes_256_siv:
      return VersionLimits{kMaxUses, 0};
    default:
      return std::nullopt;
  }
}

Result<void> check_uses(const Key& key, const Version& version, std::uint64_t items) {
  const auto limits = limits_of(key.type, key.protection);
  if (!limits || !version.usage) return {};
  const std::int64_t used = version.usage->now().uses;
  if (used >= limits->uses || items > static_cast<std::uint64_t>(limits->uses - used))
    return exhausted(key, version, "values");
  return {};
}

Result<void> check_salts(const Key& key, const Version& version) {
  const auto limits = limits_of(key.type, key.protection);
  if (!limits || limits->salts == 0 || !version.usage) return {};
  if (version.usage->now().salts >= limits->salts) return exhausted(key, version, "salts");
  return {};
}

}  // namespace nae::keys
