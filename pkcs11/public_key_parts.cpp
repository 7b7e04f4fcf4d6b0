#include "pkcs11/public_key_parts.hpp"

#include "pkcs11/der.hpp"

namespace nae::pkcs11 {
namespace {

Bytes copy(ByteView view) {
  return Bytes(view.begin(), view.end());
}

Result<PublicKeyParts> rsa_parts(const KeyTypeRow& type, ByteView key) {
  DerReader outer(key);
  DerReader pair(outer.element(kDerSequence));
  const ByteView modulus = pair.natural(), exponent = pair.natural();
  if (!outer.complete() || !pair.complete() || modulus.size() * 8 != type.bits)
    return fail(Code::invalid_argument, "not an RSA public key of the key's type");
  return PublicKeyParts{copy(modulus), copy(exponent), {}};
}

}  // namespace

Result<PublicKeyParts> public_key_parts(KeyType type, ByteView subject_public_key_info) {
  DerReader outer(subject_public_key_info);
  DerReader info(outer.element(kDerSequence));
  info.element(kDerSequence);  // the algorithm, which the type says
  const ByteView bits = info.element(kDerBitString);
  if (!outer.complete() || !info.complete() || bits.size() < 2 || bits[0] != 0)
    return fail(Code::invalid_argument, "not a SubjectPublicKeyInfo");
  const ByteView key = bits.subspan(1);
  const KeyTypeRow& known = row(type);
  switch (known.family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      return rsa_parts(known, key);
    case KeyFamily::ec:
    case KeyFamily::ecdh:
      if (key[0] != 0x04 || key.size() != 1 + 2 * known.coordinate_bytes()) break;
      return PublicKeyParts{{}, {}, copy(key)};
    case KeyFamily::edwards:
    case KeyFamily::xdh:
      if (key.size() != known.coordinate_bytes()) break;
      return PublicKeyParts{{}, {}, copy(key)};
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      break;
  }
  return fail(Code::invalid_argument, "not a public key of the key's type");
}

ByteView ec_parameters(KeyType type) {
  switch (type) {
#define NAE_KEY_TYPE(type, number, text, family, bits, signature_bytes, scheme, curve, parameters) \
  case KeyType::type:                                                                              \
    return as_bytes(std::string_view(parameters, sizeof(parameters) - 1));
#include "libnae/base/algorithms.def"
  }
  return {};
}

Bytes octet_string(ByteView bytes) {
  Bytes out;
  append_element(out, kDerOctetString, bytes);
  return out;
}

}  // namespace nae::pkcs11
