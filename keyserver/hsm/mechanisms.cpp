#include "keyserver/hsm/mechanisms.hpp"

#include <span>
#include <stdexcept>
#include <string>

#include "libnae/pkcs11/mechanisms.hpp"

namespace nae::hsm {
namespace {

using pkcs11::kAesKeyWrapKwp;
using pkcs11::offers;

struct Mechanism {
  CK_MECHANISM_TYPE type;
  const char* name;
};
struct MethodMechanism {
  SignatureMethod method;
  KeyFamily family;
  Mechanism mechanism;
};
#define NAE_MECHANISM(type) \
  { type, #type }
constexpr Mechanism kNeeded[] = {
    NAE_MECHANISM(CKM_AES_KEY_GEN), NAE_MECHANISM(CKM_GENERIC_SECRET_KEY_GEN),
    NAE_MECHANISM(CKM_SHA256_HMAC), NAE_MECHANISM(CKM_EC_KEY_PAIR_GEN),
    NAE_MECHANISM(CKM_ECDSA),
};
constexpr Mechanism kGenerate[] = {
#define NAE_KEY_FAMILY(family, actions, kty, generate, ...) {generate, #generate},
#include "libnae/base/algorithms.def"
};
constexpr MethodMechanism kMethods[] = {
#define NAE_SIGNATURE_METHOD(method, family, mechanism, ...) \
  {SignatureMethod::method, KeyFamily::family, {mechanism, #mechanism}},
#include "libnae/base/algorithms.def"
};
constexpr Mechanism kCipher[] = {NAE_MECHANISM(CKM_AES_GCM)};
constexpr Mechanism kDecrypt[] = {NAE_MECHANISM(CKM_RSA_PKCS_OAEP)};
constexpr Mechanism kAgree[] = {NAE_MECHANISM(CKM_ECDH1_DERIVE)};
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

std::vector<Mechanism> mechanisms_of(KeyFamily family) {
  std::vector<Mechanism> mechanisms{kGenerate[static_cast<std::size_t>(family)]};
  for (const MethodMechanism& row : kMethods)
    if (row.family == family) mechanisms.push_back(row.mechanism);
  if (family == KeyFamily::rsa_decrypt)
    mechanisms.insert(mechanisms.end(), std::begin(kDecrypt), std::end(kDecrypt));
  if (family == KeyFamily::ecdh || family == KeyFamily::xdh)
    mechanisms.insert(mechanisms.end(), std::begin(kAgree), std::end(kAgree));
  return mechanisms;
}

}  // namespace

HashConstants constants_of(HashAlgorithm hash) {
  switch (hash) {
#define NAE_HASH(hash, number, text, bytes, mechanism, mgf, oid) \
  case HashAlgorithm::hash:                                      \
    return {mechanism, mgf, as_bytes(std::string_view(oid, sizeof oid - 1))};
#include "libnae/base/algorithms.def"
  }
  throw std::logic_error("a hash of no row");
}

CK_MECHANISM_TYPE mechanism_of(SignatureMethod method) {
  return kMethods[static_cast<std::size_t>(method)].mechanism.type;
}

CK_MECHANISM_TYPE mechanism_of(CipherMode mode) {
  switch (mode) {
#define NAE_CIPHER_MODE(mode, number, text, mechanism, ...) \
  case CipherMode::mode:                                    \
    return mechanism;
#include "libnae/base/algorithms.def"
  }
  throw std::logic_error("a mode of no row");
}

std::vector<CK_MECHANISM_TYPE> cipher_mechanisms() {
  return {
#define NAE_CIPHER_MODE(mode, number, text, mechanism, ...) mechanism,
#include "libnae/base/algorithms.def"
  };
}

std::vector<CK_MECHANISM_TYPE> private_mechanisms(KeyFamily family) {
  // The bare operation is for paddings that a token does not take off itself (decrypt.cpp).
  if (family == KeyFamily::rsa_decrypt) return {CKM_RSA_PKCS_OAEP, CKM_RSA_X_509};
  if (family == KeyFamily::ecdh || family == KeyFamily::xdh) return {CKM_ECDH1_DERIVE};
  std::vector<CK_MECHANISM_TYPE> mechanisms;
  for (const MethodMechanism& row : kMethods)
    if (row.family == family) mechanisms.push_back(row.mechanism.type);
  return mechanisms;
}

Result<void> require_mechanisms(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot) {
  std::string missing = missing_of(calls, slot, kNeeded);
  if (!offers(calls, slot, kAesKeyWrapKwp) && !offers(calls, slot, CKM_AES_KEY_WRAP_PAD))
    add_missing(missing, "CKM_AES_KEY_WRAP_KWP (or CKM_AES_KEY_WRAP_PAD)");
  return none(missing, "a key server needs");
}

Result<void> require_mechanisms_for(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot, KeyType type,
                                    keys::Protection protection) {
  std::vector<Mechanism> mechanisms = mechanisms_of(row(type).family);
  if (type == KeyType::aes_256_gcm && protection == keys::Protection::hsm_only)
    mechanisms.assign(std::begin(kCipher), std::end(kCipher));
  return none(missing_of(calls, slot, mechanisms), "keys of type " + std::string(nae::name(type)) +
                                                       " (" + std::string(keys::name(protection)) +
                                                       ") need");
}

Result<void> require_mechanisms_for_import(const CK_FUNCTION_LIST& calls, CK_SLOT_ID slot) {
  return none(missing_of(calls, slot, kImport), "the import of keys needs");
}

}  // namespace nae::hsm
