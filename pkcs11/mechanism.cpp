#include "pkcs11/mechanism.hpp"

#include <algorithm>

#include "pkcs11/der.hpp"
#include "pkcs11/native.hpp"

namespace nae::pkcs11 {
namespace {

using enum KeyFamily;
using enum HashAlgorithm;
using Method = SignatureMethod;

constexpr Mechanism kMechanisms[] = {
    {CKM_RSA_PKCS, rsa, Input::digest_info, Method::rsa_pkcs1, {}, 2048, 4096},
    {CKM_SHA256_RSA_PKCS, rsa, Input::message, Method::rsa_pkcs1, sha256, 2048, 4096},
    {CKM_SHA384_RSA_PKCS, rsa, Input::message, Method::rsa_pkcs1, sha384, 2048, 4096},
    {CKM_SHA512_RSA_PKCS, rsa, Input::message, Method::rsa_pkcs1, sha512, 2048, 4096},
    {CKM_RSA_PKCS_PSS, rsa, Input::digest, Method::rsa_pss, {}, 2048, 4096},
    {CKM_SHA256_RSA_PKCS_PSS, rsa, Input::message, Method::rsa_pss, sha256, 2048, 4096},
    {CKM_SHA384_RSA_PKCS_PSS, rsa, Input::message, Method::rsa_pss, sha384, 2048, 4096},
    {CKM_SHA512_RSA_PKCS_PSS, rsa, Input::message, Method::rsa_pss, sha512, 2048, 4096},
    {CKM_ECDSA, ec, Input::ecdsa_digest, Method::ecdsa, {}, 256, 384},
    {CKM_ECDSA_SHA256, ec, Input::message, Method::ecdsa, sha256, 256, 256},
    {CKM_ECDSA_SHA384, ec, Input::message, Method::ecdsa, sha384, 384, 384},
    {CKM_EDDSA, edwards, Input::message, Method::eddsa, {}, 256, 256},
    {CKM_SHA256_HMAC, hmac, Input::message, {}, sha256, 256, 512},
};

struct HashRow {
  HashAlgorithm hash;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf;
  ByteView object_identifier;  // DER
};

std::span<const HashRow> hashes() {
#define NAE_HASH(hash, number, text, bytes, mechanism, mgf, identifier) \
  {HashAlgorithm::hash, mechanism, mgf, as_bytes(std::string_view(identifier))},
  static const HashRow kRows[] = {
#include "libnae/base/algorithms.def"
  };
  return kRows;
}

// The scheme that signs by this method and hash.
SignatureScheme scheme_by(SignatureMethod method, std::optional<HashAlgorithm> hash) {
  constexpr SignatureScheme kSchemes[] = {
#define NAE_SIGNATURE_SCHEME(scheme, ...) SignatureScheme::scheme,
#include "libnae/base/algorithms.def"
  };
  for (const SignatureScheme scheme : kSchemes) {
    const SchemeRow& row = *find_row(scheme);
    if (row.method == method && row.hash == hash && row.may_sign) return scheme;
  }
  return SignatureScheme::key_default;
}

// One salt length, that of the digest (docs/spec/envelope.md, "Signatures").
std::optional<HashAlgorithm> hash_of_pss(const CK_MECHANISM& asked) {
  const auto parameter = parameter_of<CK_RSA_PKCS_PSS_PARAMS>(asked);
  if (!parameter) return std::nullopt;
  for (const HashRow& row : hashes())
    if (row.mechanism == parameter->hash_alg && row.mgf == parameter->mgf &&
        digest_bytes(row.hash) == parameter->s_len)
      return row.hash;
  return std::nullopt;
}

// Any parameter of a mechanism that has none; some callers pass a pointer and no length.
bool has_parameter(const CK_MECHANISM& asked) {
  return asked.ulParameterLen != 0;
}

CK_RV digest_of_info(ByteView data, SignedItem& out) {
  DerReader outer(data);
  DerReader info(outer.element(kDerSequence));
  DerReader algorithm(info.element(kDerSequence));
  const ByteView identifier = algorithm.element(kDerObjectIdentifier);
  const ByteView parameters = algorithm.element(kDerNull);
  const ByteView digest = info.element(kDerOctetString);
  if (!outer.complete() || !info.complete() || !algorithm.complete() || !parameters.empty())
    return CKR_DATA_INVALID;
  for (const HashRow& row : hashes()) {
    if (!std::ranges::equal(row.object_identifier.subspan(2), identifier)) continue;
    if (digest.size() != digest_bytes(row.hash)) return CKR_DATA_LEN_RANGE;
    out.form = {scheme_by(SignatureMethod::rsa_pkcs1, row.hash), true};
    out.item.assign(digest.begin(), digest.end());
    return out.form.scheme == SignatureScheme::key_default ? CKR_DATA_INVALID : CKR_OK;
  }
  return CKR_DATA_INVALID;
}

// Longer digests lose their rightmost bits, shorter ones are small numbers.
CK_RV digest_for_curve(std::size_t bytes, ByteView data, Bytes& item) {
  constexpr std::size_t kLeast = 28, kMost = 64;  // SHA-224 and SHA-512
  if (data.size() < kLeast || data.size() > kMost) return CKR_DATA_LEN_RANGE;
  const ByteView kept = data.first(std::min(bytes, data.size()));
  item.assign(bytes - kept.size(), Byte{0});
  item.insert(item.end(), kept.begin(), kept.end());
  return CKR_OK;
}

}  // namespace

std::span<const Mechanism> mechanisms() {
  return kMechanisms;
}

const Mechanism* find_mechanism(CK_MECHANISM_TYPE type) {
  const auto* found = std::ranges::find(kMechanisms, type, &Mechanism::type);
  return found == std::end(kMechanisms) ? nullptr : found;
}

CK_MECHANISM_INFO info_of(const Mechanism& mechanism) {
  CK_MECHANISM_INFO info{};
  info.ulMinKeySize = mechanism.least_bits;
  info.ulMaxKeySize = mechanism.most_bits;
  info.flags = CKF_SIGN | CKF_VERIFY;
  if (mechanism.family == ec) info.flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
  if (mechanism.family == hmac) {  // bytes: pkcs11-curr-v2.40 section 2.20
    info.ulMinKeySize /= 8;
    info.ulMaxKeySize /= 8;
  }
  return info;
}

bool Mechanism::fits(const Object& object) const {
  const KeyTypeRow& key = row(object.type);
  if (key.family != family) return false;
  // A curve comes with its hash.
  if (method && hash && !nae::fits(scheme_by(*method, hash), object.type)) return false;
  return !method || std::ranges::any_of(object.schemes, [&](SignatureScheme scheme) {
    const SchemeRow* known = find_row(scheme);
    return known && known->method == *method && (!hash || known->hash == hash);
  });
}

CK_RV scheme_of(const Mechanism& mechanism, const CK_MECHANISM& asked, const Object& object,
                SignatureScheme& scheme) {
  scheme = SignatureScheme::key_default;
  if (row(object.type).family != mechanism.family) return CKR_KEY_TYPE_INCONSISTENT;
  std::optional<HashAlgorithm> hash = mechanism.hash;
  if (mechanism.method == SignatureMethod::rsa_pss) {
    const auto named = hash_of_pss(asked);
    if (!named || (hash && *named != *hash)) return CKR_MECHANISM_PARAM_INVALID;
    hash = named;
    // SHA-1 and SHA-224 verify nothing here either.
    if (scheme_by(SignatureMethod::rsa_pss, hash) == SignatureScheme::key_default)
      return CKR_MECHANISM_PARAM_INVALID;
  } else if (has_parameter(asked)) {
    return CKR_MECHANISM_PARAM_INVALID;
  }
  if (!mechanism.method)
    return object.type == KeyType::hmac_sha_256_raw ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
  if (mechanism.input == Input::digest_info) return CKR_OK;
  scheme = mechanism.input == Input::ecdsa_digest ? default_scheme(object.type)
                                                  : scheme_by(*mechanism.method, hash);
  if (!fits(scheme, object.type)) return CKR_KEY_TYPE_INCONSISTENT;
  return object.allows(scheme) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

CK_RV item_of(const Mechanism& mechanism, SignatureScheme scheme, const Object& object,
              ByteView data, SignedItem& out) {
  out.form = {scheme, mechanism.input != Input::message};
  switch (mechanism.input) {
    case Input::message:
      out.item.assign(data.begin(), data.end());
      return CKR_OK;
    case Input::digest:
      out.item.assign(data.begin(), data.end());
      return data.size() == digest_bytes(*find_row(scheme)->hash) ? CKR_OK : CKR_DATA_LEN_RANGE;
    case Input::ecdsa_digest:
      return digest_for_curve(row(object.type).coordinate_bytes(), data, out.item);
    case Input::digest_info:
      if (const CK_RV rv = digest_of_info(data, out); rv != CKR_OK) return rv;
      return object.allows(out.form.scheme) ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
  }
  return CKR_GENERAL_ERROR;
}

std::optional<Bytes> to_cryptoki(const Object& object, ByteView signature) {
  if (row(object.type).family != ec) return Bytes(signature.begin(), signature.end());
  const std::size_t bytes = row(object.type).coordinate_bytes();
  DerReader outer(signature);
  DerReader pair(outer.element(kDerSequence));
  Bytes out;
  for (int i = 0; i < 2; ++i) {
    const ByteView number = pair.natural();
    if (number.size() > bytes) return std::nullopt;
    out.insert(out.end(), bytes - number.size(), Byte{0});
    out.insert(out.end(), number.begin(), number.end());
  }
  if (!outer.complete() || !pair.complete()) return std::nullopt;
  return out;
}

Bytes from_cryptoki(const Object& object, ByteView signature) {
  if (row(object.type).family != ec) return Bytes(signature.begin(), signature.end());
  const std::size_t bytes = signature.size() / 2;
  Bytes pair, out;
  append_natural(pair, signature.first(bytes));
  append_natural(pair, signature.subspan(bytes));
  append_element(out, kDerSequence, pair);
  return out;
}

}  // namespace nae::pkcs11
