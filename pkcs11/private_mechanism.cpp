#include "pkcs11/private_mechanism.hpp"

#include <algorithm>

#include "pkcs11/cipher_mechanism.hpp"
#include "pkcs11/der.hpp"
#include "pkcs11/mechanism.hpp"
#include "pkcs11/native.hpp"

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kMaxSourceBytes = 65'536;  // associated data of nae/1
constexpr Byte kUncompressed = 0x04;

constexpr PrivateMechanism kPrivateMechanisms[] = {
    {CKM_RSA_PKCS_OAEP, KeyFamily::rsa_decrypt, CKF_DECRYPT, 2048, 4096},
    {CKM_RSA_PKCS, KeyFamily::rsa_decrypt, CKF_DECRYPT, 2048, 4096},
    {CKM_ECDH1_DERIVE, KeyFamily::ecdh, CKF_DERIVE, 256, 521},
};

struct HashNumbers {
  HashAlgorithm hash;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf;
};
constexpr HashNumbers kHashNumbers[] = {
#define NAE_HASH(hash, number, text, bytes, mechanism, mgf, identifier) \
  {HashAlgorithm::hash, mechanism, mgf},
#include "libnae/base/algorithms.def"
};
constexpr DecryptionScheme kSchemes[] = {
#define NAE_DECRYPTION_SCHEME(scheme, ...) DecryptionScheme::scheme,
#include "libnae/base/algorithms.def"
};

CK_RV oaep_of(const CK_MECHANISM& asked, Decryption& out) {
  const auto given = parameter_of<CK_RSA_PKCS_OAEP_PARAMS>(asked);
  if (!given) return CKR_MECHANISM_PARAM_INVALID;
  const CK_RSA_PKCS_OAEP_PARAMS& parameters = *given;
  // Some callers leave the source 0 where there is no label.
  if (parameters.source != CKZ_DATA_SPECIFIED &&
      (parameters.source != 0 || parameters.ulSourceDataLen != 0))
    return CKR_MECHANISM_PARAM_INVALID;
  if (parameters.ulSourceDataLen > kMaxSourceBytes ||
      (!parameters.pSourceData && parameters.ulSourceDataLen != 0))
    return CKR_MECHANISM_PARAM_INVALID;
  const auto* numbers = std::ranges::find_if(kHashNumbers, [&](const HashNumbers& row) {
    return row.mechanism == parameters.hashAlg && row.mgf == parameters.mgf;
  });
  if (numbers == std::end(kHashNumbers)) return CKR_MECHANISM_PARAM_INVALID;
  const auto* scheme = std::ranges::find_if(
      kSchemes, [&](DecryptionScheme each) { return find_row(each)->hash == numbers->hash; });
  if (scheme == std::end(kSchemes)) return CKR_MECHANISM_PARAM_INVALID;
  out.scheme = *scheme;
  const auto* label = static_cast<const Byte*>(parameters.pSourceData);
  out.label.assign(label, label + parameters.ulSourceDataLen);
  return CKR_OK;
}

}  // namespace

std::span<const PrivateMechanism> private_mechanisms() {
  return kPrivateMechanisms;
}

const PrivateMechanism* find_private_mechanism(CK_MECHANISM_TYPE type, CK_FLAGS flag) {
  for (const PrivateMechanism& row : kPrivateMechanisms)
    if (row.type == type && row.flag == flag) return &row;
  return nullptr;
}

std::vector<CK_MECHANISM_TYPE> every_mechanism() {
  std::vector<CK_MECHANISM_TYPE> types;
  for (const Mechanism& mechanism : mechanisms()) types.push_back(mechanism.type);
  for (const PrivateMechanism& mechanism : kPrivateMechanisms)
    if (!find_mechanism(mechanism.type)) types.push_back(mechanism.type);
  for (const CipherMechanism& mechanism : cipher_mechanisms()) types.push_back(mechanism.type);
  return types;
}

CK_RV mechanism_info(CK_MECHANISM_TYPE type, CK_MECHANISM_INFO& info) {
  if (const CipherMechanism* ciphers = find_cipher_mechanism(type)) {
    info = info_of(*ciphers);
    return CKR_OK;
  }
  const Mechanism* signs = find_mechanism(type);
  info = signs ? info_of(*signs) : CK_MECHANISM_INFO{};
  for (const PrivateMechanism& mechanism : kPrivateMechanisms) {
    if (mechanism.type != type) continue;
    info.flags |= mechanism.flag;
    if (mechanism.family == KeyFamily::ecdh)
      info.flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
    info.ulMinKeySize = mechanism.least_bits;
    info.ulMaxKeySize = mechanism.most_bits;
  }
  return info.flags == 0 ? CKR_MECHANISM_INVALID : CKR_OK;
}

bool are_alike(KeyFamily a, KeyFamily b) {
  const auto agrees = [](KeyFamily family) {
    return family == KeyFamily::ecdh || family == KeyFamily::xdh;
  };
  return a == b || (agrees(a) && agrees(b));
}

bool serves(const PrivateMechanism& mechanism, const Object& object) {
  if (!are_alike(mechanism.family, row(object.type).family)) return false;
  if (mechanism.flag != CKF_DECRYPT) return true;
  return std::ranges::any_of(object.decryptions, [&](DecryptionScheme scheme) {
    const DecryptionRow* known = find_row(scheme);
    return known && known->hash.has_value() == (mechanism.type == CKM_RSA_PKCS_OAEP);
  });
}

std::vector<CK_MECHANISM_TYPE> mechanisms_of(const Object& object) {
  std::vector<CK_MECHANISM_TYPE> types;
  for (const Mechanism& mechanism : mechanisms())
    if (mechanism.fits(object)) types.push_back(mechanism.type);
  for (const PrivateMechanism& mechanism : kPrivateMechanisms)
    if (serves(mechanism, object)) types.push_back(mechanism.type);
  for (const CipherMechanism& mechanism : cipher_mechanisms())
    if (object.allows(mechanism.mode)) types.push_back(mechanism.type);
  return types;
}

CK_RV decryption_of(const CK_MECHANISM& asked, Decryption& out) {
  out = {};
  if (asked.mechanism == CKM_RSA_PKCS_OAEP) return oaep_of(asked, out);
  if (asked.ulParameterLen != 0) return CKR_MECHANISM_PARAM_INVALID;
  out.scheme = DecryptionScheme::rsa_pkcs1;
  return CKR_OK;
}

CK_RV point_of(const CK_MECHANISM& asked, const Object& object, Bytes& point) {
  const auto given = parameter_of<CK_ECDH1_DERIVE_PARAMS>(asked);
  if (!given) return CKR_MECHANISM_PARAM_INVALID;
  const CK_ECDH1_DERIVE_PARAMS& parameters = *given;
  if (parameters.kdf != CKD_NULL || parameters.ulSharedDataLen != 0 || !parameters.pPublicData)
    return CKR_MECHANISM_PARAM_INVALID;
  const bool is_montgomery = row(object.type).family == KeyFamily::xdh;  // RFC 7748
  const std::size_t coordinate = row(object.type).coordinate_bytes();
  const std::size_t bytes = is_montgomery ? coordinate : 1 + 2 * coordinate;
  // Raw, or as an OCTET STRING (pkcs11-curr-v3.0 section 2.3.10).
  if (parameters.ulPublicDataLen < bytes || parameters.ulPublicDataLen > bytes + 3)
    return CKR_MECHANISM_PARAM_INVALID;
  ByteView data(parameters.pPublicData, parameters.ulPublicDataLen);
  if (data.size() > bytes) {
    DerReader outer(data);
    data = outer.element(kDerOctetString);
    if (!outer.complete()) return CKR_MECHANISM_PARAM_INVALID;
  }
  if (data.size() != bytes || (!is_montgomery && data[0] != kUncompressed))
    return CKR_MECHANISM_PARAM_INVALID;
  point.assign(data.begin(), data.end());
  return CKR_OK;
}

}  // namespace nae::pkcs11
