#include "keyserver/hsm/mechanisms.hpp"

#include <span>
#include <string>

#include "keyserver/hsm/key_pair.hpp"

namespace nae::hsm {
namespace {

struct Mechanism {
  CK_MECHANISM_TYPE type;
  const char* name;
};
#define NAE_MECHANISM(type) \
  { type, #type }
constexpr Mechanism kNeeded[] = {
    NAE_MECHANISM(CKM_AES_KEY_GEN), NAE_MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
    NAE_MECHANISM(CKM_SHA256_HMAC), NAE_MECHANISM(CKM_EC_KEY_PAIR_GEN),
    NAE_MECHANISM(CKM_ECDSA),
};
constexpr Mechanism kRsa[] = {NAE_MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN), NAE_MECHANISM(CKM_RSA_PKCS),
                              NAE_MECHANISM(CKM_RSA_PKCS_PSS)};
constexpr Mechanism kEdwards[] = {NAE_MECHANISM(CKM_EC_EDWARDS_KEY_PAIR_GEN),
                                  NAE_MECHANISM(CKM_EDDSA)};
constexpr Mechanism kCipher[] = {NAE_MECHANISM(CKM_AES_GCM)};
constexpr Mechanism kImport[] = {NAE_MECHANISM(CKM_RSA_PKCS_KEY_PAIR_GEN),
                                 NAE_MECHANISM(CKM_RSA_PKCS_OAEP), NAE_MECHANISM(CKM_AES_ECB)};
#undef NAE_MECHANISM

void add_missing(std::string& missing, const std::string& name) {
  missing += (missing.empty() ? "" : ", ") + name;
}

Result<void> none(const std::string& missing, const std::string& what) {
  if (missing.empty()) return {};
  return fail(Code::unsupported, "the HSM's token does not offer " + missing + ", which " + what,
              "See 'Which HSM' in docs/operations.md for what needs which mechanism.");
}

std::string missing_of(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot,
                       std::span<const Mechanism> mechanisms) {
  std::string missing;
  for (const Mechanism& mechanism : mechanisms)
    if (!offers(calls, slot, mechanism.type)) add_missing(missing, mechanism.name);
  return missing;
}

}  // namespace

bool offers(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism) {
  CK_MECHANISM_INFO info{};
  return calls.C_GetMechanismInfo(slot, mechanism, &info) != CKR_MECHANISM_INVALID;
}

CK_MECHANISM_TYPE choose_key_wrap(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot) {
  CK_MECHANISM_INFO info{};
  return calls.C_GetMechanismInfo(slot, kAesKeyWrapKwp, &info) == CKR_OK ? kAesKeyWrapKwp
                                                                         : CKM_AES_KEY_WRAP_PAD;
}

Result<void> require_mechanisms(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot) {
  std::string missing = missing_of(calls, slot, kNeeded);
  if (!offers(calls, slot, kAesKeyWrapKwp) && !offers(calls, slot, CKM_AES_KEY_WRAP_PAD))
    add_missing(missing, "CKM_AES_KEY_WRAP_KWP (or CKM_AES_KEY_WRAP_PAD)");
  return none(missing, "a key server needs");
}

Result<void> require_mechanisms_for(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, KeyType type,
                                    keys::Protection protection) {
  std::span<const Mechanism> mechanisms;
  if (object_key_type(type) == CKK_RSA)
    mechanisms = kRsa;
  else if (type == KeyType::ed25519)
    mechanisms = kEdwards;
  else if (type == KeyType::aes_256_gcm && protection == keys::Protection::hsm_only)
    mechanisms = kCipher;
  return none(missing_of(calls, slot, mechanisms), "keys of type " + std::string(nae::name(type)) +
                                                       " (" + std::string(keys::name(protection)) +
                                                       ") need");
}

Result<void> require_mechanisms_for_import(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot) {
  return none(missing_of(calls, slot, kImport), "the import of keys needs");
}

}  // namespace nae::hsm
