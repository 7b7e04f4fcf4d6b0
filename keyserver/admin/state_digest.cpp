#include "keyserver/admin/state_digest.hpp"

#include "keyserver/admin/key_digest.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::admin {

bool StateDigest::update(operations::ToldState& told) {
  std::lock_guard lock(one_at_a_time_);
  return told.set(make());
}

crypto::Sha256Digest StateDigest::make() {
  const auto policy = policy_.snapshot();
  Bytes all;
  ByteWriter out(all);
  out.raw(as_bytes("nae-state-1\n"));
  out.u32(policy->number);
  out.raw(policy->text_sha256);
  const std::vector<keys::KeyPointer> keys = ring_.list();
  out.u64(keys.size());
  for (const keys::KeyPointer& key : keys) {
    Known& known = known_[key->id];
    if (known.key != key) known = {key, key_digest(*key)};
    out.text(known.digest);
  }
  const auto standing = devices_.standing();
  out.u64(standing.size());
  for (const auto& [name, fingerprints] : standing) {
    out.text(name);
    out.u64(fingerprints.size());
    for (const std::string& fingerprint : fingerprints) out.text(fingerprint);
  }
  return crypto::sha256(all);
}

}  // namespace nae::admin
