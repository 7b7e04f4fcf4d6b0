// Pkcs11Hsm: what is computed under a key in the HSM, working keys, HMACs and signatures.
#include "keyserver/hsm/mechanisms.hpp"
#include "keyserver/hsm/pkcs11_hsm.hpp"
#include "keyserver/hsm/session.hpp"
#include "libnae/crypto/ecdsa_signature.hpp"
#include "libnae/crypto/hash.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

// RFC 8017 section 9.2: DigestInfo, an algorithm identifier without parameters and the digest.
// Every length is below 128, DER's short form.
Bytes digest_info(ByteView object_identifier, ByteView digest) {
  const auto identifier_bytes = static_cast<Byte>(object_identifier.size());
  const auto bytes = static_cast<Byte>(digest.size());
  static_assert(kMaxDigestBytes + 32 < 0x80);
  Bytes info{0x30, static_cast<Byte>(2 + identifier_bytes + 2 + 2 + bytes), 0x30,
             static_cast<Byte>(identifier_bytes + 2)};
  info.insert(info.end(), object_identifier.begin(), object_identifier.end());
  info.insert(info.end(), {0x05, 0x00, 0x04, bytes});
  info.insert(info.end(), digest.begin(), digest.end());
  return info;
}

Result<Bytes> sign_ecdsa(const Session& session, CK_MECHANISM mechanism, CK_OBJECT_HANDLE key,
                         ByteView digest) {
  NAE_ASSIGN(const Bytes raw, session.sign(mechanism, key, digest));
  auto der = crypto::ecdsa_signature_der(raw);
  if (!der) return fail(Code::hsm_failed, "the HSM answered " + der.error().message);
  return der;
}

// `digest` is as long as the scheme's hash.
Result<Bytes> sign_digest_by_scheme(const Session& session, CK_OBJECT_HANDLE key,
                                    const SchemeRow& row, ByteView digest) {
  CK_MECHANISM mechanism{mechanism_of(row.method), nullptr, 0};
  const HashConstants constants = constants_of(row.hash.value());
  switch (row.method) {
    case SignatureMethod::rsa_pkcs1:
      return session.sign(mechanism, key, digest_info(constants.object_identifier, digest));
    case SignatureMethod::rsa_pss: {
      CK_RSA_PKCS_PSS_PARAMS parameters{constants.mechanism, constants.mgf, digest.size()};
      mechanism.pParameter = &parameters;
      mechanism.ulParameterLen = sizeof parameters;
      return session.sign(mechanism, key, digest);
    }
    case SignatureMethod::ecdsa:
      return sign_ecdsa(session, mechanism, key, digest);
    case SignatureMethod::eddsa:
      break;
  }
  return fail(Code::internal, "a signature scheme without a digest");
}

Result<Bytes> sign_by_scheme(const Session& session, CK_OBJECT_HANDLE key, SignatureScheme scheme,
                             ByteView message) {
  const SchemeRow& row = *find_row(scheme);
  if (!row.hash) return session.sign({mechanism_of(row.method), nullptr, 0}, key, message);
  NAE_ASSIGN(const Bytes digest, crypto::digest(*row.hash, message));
  return sign_digest_by_scheme(session, key, row, digest);
}

// The row of a scheme that signs with keys of this type.
Result<const SchemeRow*> signing_row(KeyType type, SignatureScheme scheme) {
  const SchemeRow* row = find_row(scheme);
  if (!row || !fits(scheme, type))
    return fail(Code::key_type,
                "the scheme does not fit a key of type " + std::string(nae::name(type)));
  if (!row->may_sign)
    return fail(Code::unsupported, std::string(row->name) + " is for verifying only");
  return row;
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
  NAE_TRY(signing_row(key.type, scheme));
  return on_session([&]() -> Result<Bytes> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    return sign_by_scheme(*session_, object, scheme, message);
  });
}

Result<Bytes> Pkcs11Hsm::sign_digest(const keys::HsmKey& key, SignatureScheme scheme,
                                     ByteView digest) {
  NAE_ASSIGN(const SchemeRow* row, signing_row(key.type, scheme));
  if (!row->hash)
    return fail(Code::unsupported, std::string(row->name) + " signs messages, not digests");
  if (digest.size() != digest_bytes(*row->hash))
    return fail(Code::invalid_argument, "a digest of another length than the scheme's");
  return on_session([&]() -> Result<Bytes> {
    NAE_ASSIGN(const ObjectHandle object, object_of(key));
    return sign_digest_by_scheme(*session_, object, *row, digest);
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
