#include "keyserver/setup/token_binding.hpp"

#include "libnae/base/text.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::setup {
namespace {

constexpr std::string_view kName = "token";

// The audit key is made with the group key and never replaced; unlike that one it can be read.
Result<std::string> fingerprint(keys::Hsm& hsm) {
  NAE_ASSIGN(Bytes spki, hsm.public_key_of(keys::ServerKey::audit));
  return to_hex(crypto::sha256(spki));
}

}  // namespace

Result<void> bind_to_token(store::Meta& store, keys::Hsm& hsm) {
  NAE_ASSIGN(std::string own, fingerprint(hsm));
  return store.set_meta(kName, own);
}

Result<void> check_token(store::Meta& store, keys::Hsm& hsm) {
  NAE_ASSIGN(std::optional<std::string> bound, store.meta(kName));
  if (!bound) return fail(Code::store_corrupt, "the store does not say which token it belongs to");
  NAE_ASSIGN(std::string own, fingerprint(hsm));
  if (own != *bound)
    return fail(Code::group_key_missing, "the HSM token is not the one this store was made with");
  return {};
}

}  // namespace nae::setup
