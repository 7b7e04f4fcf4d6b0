#include "keyserver/keys/binding.hpp"

#include <algorithm>
#include <future>
#include <thread>

namespace nae::keys {
namespace {

// With the zero byte that follows it: nothing else that the HSM signs begins with it.
constexpr std::string_view kStatement = "nae/1 key version";
// A signature takes 50 us to check: a store of 100,000 versions is shared among the processors.
constexpr std::size_t kKeysAThread = 2048;

void add(ByteWriter& w, ByteView value) {
  w.u32(static_cast<std::uint32_t>(value.size()));
  w.raw(value);
}

std::string version_text(const Key& key, const Version& version) {
  return "version " + std::to_string(version.number) + " of key '" + key.name + "'";
}

}  // namespace

Bytes binding_statement(const Key& key, const Version& version) {
  Bytes statement;
  ByteWriter w(statement);
  w.raw(as_bytes(kStatement));
  w.u8(0);
  w.raw(key.id.bytes);
  w.u16(version.number);
  w.u8(static_cast<std::uint8_t>(key.type));
  w.u8(static_cast<std::uint8_t>(key.protection));
  w.u8(static_cast<std::uint8_t>(version.binding.origin));
  add(w, as_bytes(key.name));
  add(w, version.material.wrapped);
  add(w, as_bytes(version.material.token_object));
  add(w, version.material.public_key);
  add(w, version.binding.check_value);
  return statement;
}

Result<void> sign_binding(Hsm& hsm, const Key& key, Version& version) {
  NAE_ASSIGN(version.binding.signature,
             hsm.sign_as(ServerKey::binding, binding_statement(key, version)));
  return {};
}

Result<void> bind(Hsm& hsm, const Key& key, Version& version) {
  NAE_ASSIGN(version.binding.check_value, hsm.check_value(key.type, version.material));
  return sign_binding(hsm, key, version);
}

Result<BindingCheck> BindingCheck::with(ByteView public_key) {
  NAE_ASSIGN(crypto::PublicKey key, crypto::PublicKey::from_der(public_key));
  return BindingCheck(std::move(key));
}

bool BindingCheck::is_bound(const Key& key, const Version& version) const {
  if (version.state == State::destroyed) return true;
  if (version.binding.signature.empty()) return false;
  auto verified = key_.verify(SignatureScheme::ecdsa_p256_sha256, binding_statement(key, version),
                              version.binding.signature);
  return verified && *verified;
}

Result<void> BindingCheck::check_some(std::span<const Key> keys) const {
  for (const Key& key : keys)
    for (const Version& version : key.versions)
      if (!is_bound(key, version))
        return fail(Code::store_corrupt,
                    "the HSM has not bound " + version_text(key, version) + " as the store has it",
                    version.binding.signature.empty()
                        ? "Was the store brought back from a backup of an older server? Then see "
                          "nae-keyserver accept-keys."
                        : "The store was changed by a hand: bring back its last good backup.");
  return {};
}

Result<void> BindingCheck::check(std::span<const Key> keys) const {
  const std::size_t most = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t threads = std::clamp<std::size_t>(keys.size() / kKeysAThread, 1, most);
  const std::size_t share = (keys.size() + threads - 1) / threads;
  std::vector<std::future<Result<void>>> others;
  for (std::size_t first = share; first < keys.size(); first += share)
    others.push_back(std::async(
        std::launch::async, [this, part = keys.subspan(first).first(std::min(
                                       share, keys.size() - first))] { return check_some(part); }));
  Result<void> result = check_some(keys.first(std::min(share, keys.size())));
  for (auto& other : others)
    if (auto checked = other.get(); result && !checked) result = std::move(checked);
  return result;
}

}  // namespace nae::keys
