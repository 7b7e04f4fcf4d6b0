// Pkcs11Hsm: what is computed under a key in the HSM, working keys, HMACs and signatures.
#include <iterator>

#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/return_value.hpp"
#include "keyserver/hsm/token.hpp"
#include "libnae/crypto/ecdsa_signature.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::hsm {
namespace {

// DER of DigestInfo up to the digest; RFC 8017 section 9.2, note 1.
constexpr Byte kSha256Prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                  0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
constexpr Byte kSha384Prefix[] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                  0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};
constexpr Byte kSha512Prefix[] = {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                  0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40};

struct HashConstants {
  HashAlgorithm algorithm;
  CK_MECHANISM_TYPE mechanism;
  CK_ULONG mgf;
  ByteView digest_info_prefix;
};
constexpr HashConstants kHashes[] = {
    {HashAlgorithm::sha256, CKM_SHA256, CKG_MGF1_SHA256, kSha256Prefix},
    {HashAlgorithm::sha384, CKM_SHA384, CKG_MGF1_SHA384, kSha384Prefix},
    {HashAlgorithm::sha512, CKM_SHA512, CKG_MGF1_SHA512, kSha512Prefix},
};

const HashConstants& constants_of(HashAlgorithm algorithm) {
  for (const HashConstants& row : kHashes)
    if (row.algorithm == algorithm) return row;
  return kHashes[0];  // not reached: the schemes that sign use these three
}

Result<Bytes> sign_pkcs1(const Session& session, CK_OBJECT_HANDLE key, HashAlgorithm hash,
                         ByteView digest) {
  const ByteView prefix = constants_of(hash).digest_info_prefix;
  Bytes digest_info(prefix.begin(), prefix.end());
  digest_info.insert(digest_info.end(), digest.begin(), digest.end());
  return session.sign({CKM_RSA_PKCS, nullptr, 0}, key, digest_info);
}

Result<Bytes> sign_pss(const Session& session, CK_OBJECT_HANDLE key, HashAlgorithm hash,
                       ByteView digest) {
  const HashConstants& constants = constants_of(hash);
  CK_RSA_PKCS_PSS_PARAMS parameters{constants.mechanism, constants.mgf, digest_bytes(hash)};
  return session.sign({CKM_RSA_PKCS_PSS, &parameters, sizeof parameters}, key, digest);
}

Result<Bytes> sign_ecdsa(const Session& session, CK_OBJECT_HANDLE key, ByteView digest) {
  NAE_ASSIGN(const Bytes raw, session.sign({CKM_ECDSA, nullptr, 0}, key, digest));
  auto der = crypto::ecdsa_signature_der(raw);
  if (!der) return fail(Code::hsm_failed, "the HSM answered " + der.error().message);
  return der;
}

Result<Bytes> sign_by_scheme(const Session& session, CK_OBJECT_HANDLE key, SignatureScheme scheme,
                             ByteView message) {
  const SchemeRow* row = find_row(scheme);
  if (!row->hash) return session.sign({CKM_EDDSA, nullptr, 0}, key, message);
  NAE_ASSIGN(const Bytes digest, crypto::digest(*row->hash, message));
  switch (scheme) {
    case SignatureScheme::rsa_pss_sha256:
    case SignatureScheme::rsa_pss_sha384:
    case SignatureScheme::rsa_pss_sha512:
      return sign_pss(session, key, *row->hash, digest);
    case SignatureScheme::ecdsa_p256_sha256:
    case SignatureScheme::ecdsa_p384_sha384:
      return sign_ecdsa(session, key, digest);
    default:
      return sign_pkcs1(session, key, *row->hash, digest);
  }
}

tl::unexpected<Error> not_for(const keys::HsmKey& key, std::string_view what) {
  return fail(Code::key_type, "a key of type " + std::string(nae::name(key.type)) + " (" +
                                  std::string(keys::name(key.protection)) + ") " +
                                  std::string(what));
}

}  // namespace

Result<crypto::SecretBytes> Pkcs11Hsm::derive(const keys::HsmKey& key,
                                              const crypto::KeyPurpose& purpose, const Salt& salt) {
  if (key.protection == keys::Protection::hsm_only || !crypto::has_purpose(key.type, purpose))
    return not_for(key, "has no such working key");
  return crypto::derive_working_key(
      purpose, key.id, salt, [&](ByteView input, auto out) { return hmac(key, input, out); });
}

Result<void> Pkcs11Hsm::mac(const keys::HsmKey& key, const crypto::KeyPurpose& purpose,
                            ByteView data, std::span<Byte, keys::kHmacBytes> out) {
  if (key.type == KeyType::hmac_sha_256_raw) return hmac(key, data, out);
  if (key.type != KeyType::hmac_sha_256 || key.protection != keys::Protection::hsm_only ||
      !crypto::has_purpose(key.type, purpose))
    return not_for(key, "computes no codes in the HSM");
  return hmac(key, crypto::separated_input(purpose, key.id, data), out);
}

Result<void> Pkcs11Hsm::hmac(const keys::HsmKey& key, ByteView input,
                             std::span<Byte, keys::kHmacBytes> out) {
  return on_session([&]() -> Result<void> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    CK_MECHANISM mechanism{CKM_SHA256_HMAC, nullptr, 0};
    const CK_FUNCTION_LIST& calls = session_->calls();
    NAE_TRY(checked("C_SignInit", calls.C_SignInit(session_->handle(), &mechanism, object)));
    // Straight to the caller's memory, which is locked: the output may be a working key.
    CK_ULONG size = out.size();
    NAE_TRY(checked("C_Sign", calls.C_Sign(session_->handle(), input_pointer(input), input.size(),
                                           out.data(), &size)));
    if (size != out.size()) return fail(Code::hsm_failed, "C_Sign: an HMAC of the wrong length");
    return {};
  });
}

Result<Bytes> Pkcs11Hsm::sign(const keys::HsmKey& key, SignatureScheme scheme, ByteView message) {
  if (scheme == SignatureScheme::key_default) scheme = default_scheme(key.type);
  const SchemeRow* row = find_row(scheme);
  if (!row || !fits(scheme, key.type))
    return fail(Code::key_type,
                "the scheme does not fit a key of type " + std::string(nae::name(key.type)));
  if (!row->may_sign)
    return fail(Code::unsupported, std::string(row->name) + " is for verifying only");
  return on_session([&]() -> Result<Bytes> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    return sign_by_scheme(*session_, object, scheme, message);
  });
}

Result<Bytes> Pkcs11Hsm::sign_as(keys::ServerKey key, ByteView message) {
  return on_session([&]() -> Result<Bytes> {
    ObjectHandle& object = server_keys_[static_cast<std::size_t>(key)];
    if (object == 0) {
      const std::string label = label_of(key, options_.group_key_label);
      NAE_ASSIGN(const auto found, session_->find(CKO_PRIVATE_KEY, label));
      if (!found)
        return fail(Code::hsm_failed, "the token holds no private key labelled '" + label + "'");
      object = *found;
    }
    return sign_by_scheme(*session_, object, SignatureScheme::ecdsa_p256_sha256, message);
  });
}

}  // namespace nae::hsm
