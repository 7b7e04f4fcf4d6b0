#include "libnae/pkcs11/decrypting_key.hpp"

#include <algorithm>

#include "libnae/crypto/spki.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::pkcs11 {
namespace {

constexpr CK_ULONG kMostKeys = 64;
constexpr std::size_t kMaxModulusBytes = 512;

Result<std::vector<CK_OBJECT_HANDLE>> private_rsa_keys(const Session& session) {
  Attributes wanted;
  wanted.flag(CKA_TOKEN, true).number(CKA_CLASS, CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_RSA);
  const CK_FUNCTION_LIST& calls = session.calls();
  NAE_TRY(checked("C_FindObjectsInit",
                  calls.C_FindObjectsInit(session.handle(), wanted.data(), wanted.size())));
  std::vector<CK_OBJECT_HANDLE> found(kMostKeys);
  CK_ULONG count = 0;
  const CK_RV searched = calls.C_FindObjects(session.handle(), found.data(), kMostKeys, &count);
  const CK_RV ended = calls.C_FindObjectsFinal(session.handle());
  NAE_TRY(checked("C_FindObjects", searched));
  NAE_TRY(checked("C_FindObjectsFinal", ended));
  found.resize(std::min(count, kMostKeys));
  return found;
}

// What the token answers for a ciphertext that is not its key's has as many names as modules.
Error error_of_decryption(CK_RV value) {
  Error error = error_of("C_Decrypt", value);
  if (error.code == Code::hsm_failed) {
    error.code = Code::authentication_failed;
    error.message = "the card does not open it (" + error.message + ")";
  }
  return error;
}

}  // namespace

Result<std::vector<DecryptingKey>> find_decrypting_keys(const Session& session) {
  NAE_ASSIGN(const std::vector<CK_OBJECT_HANDLE> objects, private_rsa_keys(session));
  std::vector<DecryptingKey> keys;
  for (const CK_OBJECT_HANDLE object : objects) {
    const auto modulus = session.read_attribute(object, CKA_MODULUS);
    const auto exponent = session.read_attribute(object, CKA_PUBLIC_EXPONENT);
    if (!modulus || !exponent) continue;  // it is of no use to who looks for a public key
    auto spki = crypto::spki_of_rsa(*modulus, *exponent);
    if (spki) keys.push_back({object, crypto::sha256(*spki), *std::move(spki)});
  }
  return keys;
}

Result<crypto::SecretBytes> decrypt_oaep(const Session& session, const DecryptingKey& key,
                                         HashAlgorithm hash, ByteView ciphertext) {
  const bool sha1 = hash == HashAlgorithm::sha1;
  if (!sha1 && hash != HashAlgorithm::sha256)
    return fail(Code::unsupported, "cards are asked for OAEP with SHA-256 or SHA-1");
  CK_RSA_PKCS_OAEP_PARAMS parameters{};
  parameters.hashAlg = sha1 ? CKM_SHA_1 : CKM_SHA256;
  parameters.mgf = sha1 ? CKG_MGF1_SHA1 : CKG_MGF1_SHA256;
  parameters.source = CKZ_DATA_SPECIFIED;
  CK_MECHANISM mechanism{CKM_RSA_PKCS_OAEP, &parameters, sizeof parameters};
  const CK_FUNCTION_LIST& calls = session.calls();
  if (const CK_RV value = calls.C_DecryptInit(session.handle(), &mechanism, key.object);
      value == CKR_ARGUMENTS_BAD)  // SoftHSM's answer to SHA-256
    return fail(Code::unsupported,
                "the card's module does no OAEP with " + std::string(name(hash)));
  else
    NAE_TRY(checked("C_DecryptInit", value));
  crypto::SecretBytes room(kMaxModulusBytes);
  CK_ULONG size = room.size();
  const CK_RV value = calls.C_Decrypt(session.handle(), input_pointer(ciphertext),
                                      ciphertext.size(), room.expose_for_writing().data(), &size);
  if (value != CKR_OK) return fail(error_of_decryption(value));
  crypto::SecretBytes plaintext(std::min<std::size_t>(size, room.size()));
  std::ranges::copy(room.expose().first(plaintext.size()), plaintext.expose_for_writing().begin());
  return plaintext;
}

}  // namespace nae::pkcs11
