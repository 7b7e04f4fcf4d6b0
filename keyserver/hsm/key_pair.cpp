#include "keyserver/hsm/key_pair.hpp"

#include "keyserver/hsm/mechanisms.hpp"
#include "keyserver/hsm/wrap.hpp"
#include "libnae/crypto/spki.hpp"
#include "libnae/pkcs11/return_value.hpp"

namespace nae::hsm {
namespace {

struct FamilyObjects {
  CK_MECHANISM_TYPE generate;
  CK_KEY_TYPE type;
};
constexpr FamilyObjects kFamilies[] = {
#define NAE_KEY_FAMILY(family, actions, kty, generate, object) {generate, object},
#include "libnae/base/algorithms.def"
};
const FamilyObjects& objects_of(KeyFamily family) {
  return kFamilies[static_cast<std::size_t>(family)];
}

ByteView curve_parameters(KeyType type) {
  switch (type) {
#define NAE_KEY_TYPE(type, number, text, family, bits, signature_bytes, scheme, curve, parameters) \
  case KeyType::type:                                                                              \
    return as_bytes(std::string_view(parameters, sizeof parameters - 1));
#include "libnae/base/algorithms.def"
  }
  return {};
}

Result<KeyPair> generate(const Session& session, KeyType type, Place place, Attributes& public_half,
                         Attributes& private_half) {
  const KeyTypeRow& row = nae::row(type);
  if (!is_pair(type)) return fail(Code::key_type, std::string(row.name) + " keys are no pairs");
  for (Attributes* half : {&public_half, &private_half})
    half->flag(CKA_TOKEN, place == Place::token);
  const bool verifies = allows(type, Action::verify);
  public_half.flag(CKA_VERIFY, verifies)
      .flag(CKA_ENCRYPT, row.family == KeyFamily::rsa_decrypt)
      .none_of({CKA_WRAP});
  switch (row.family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      public_half.number(CKA_MODULUS_BITS, row.bits).bytes(CKA_PUBLIC_EXPONENT, kRsaExponent);
      break;
    case KeyFamily::ec:
    case KeyFamily::edwards:
    case KeyFamily::ecdh:
    case KeyFamily::xdh:
      public_half.bytes(CKA_EC_PARAMS, curve_parameters(type));
      break;
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      break;
  }
  private_half.flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, true);
  add_private_key_uses(session, private_half, type);

  CK_MECHANISM mechanism{objects_of(row.family).generate, nullptr, 0};
  KeyPair pair{};
  const CK_RV value = session.calls().C_GenerateKeyPair(
      session.handle(), &mechanism, public_half.data(), public_half.size(), private_half.data(),
      private_half.size(), &pair.public_key, &pair.private_key);
  if (value != CKR_OK)
    return fail(place == Place::token ? error_of_storing("C_GenerateKeyPair", value)
                                      : error_of("C_GenerateKeyPair", value));
  return pair;
}

bool is_bare_point(KeyFamily family) {
  return family == KeyFamily::edwards || family == KeyFamily::xdh;
}

// SEC 1 section 2.3.3; RFC 8032, RFC 7748.
std::size_t point_bytes(const KeyTypeRow& row) {
  return is_bare_point(row.family) ? row.coordinate_bytes() : 1 + 2 * row.coordinate_bytes();
}

// CKA_EC_POINT is an OCTET STRING around the point by the standard, the bare point in some modules.
Result<ByteView> point_in(ByteView attribute, std::size_t bytes) {
  if (attribute.size() == bytes) return attribute;
  const std::size_t header = bytes < 0x80 ? 2 : 3;  // DER; no point has 256 bytes
  if (attribute.size() == bytes + header && attribute[0] == 0x04 &&
      attribute[header - 1] == bytes && (header == 2 || attribute[1] == 0x81))
    return attribute.subspan(header);
  return fail(Code::hsm_failed, "the HSM's public key has no point of the right length");
}

}  // namespace

ByteView ec_point_of(KeyType type, ByteView public_key_der) {
  const KeyTypeRow& row = nae::row(type);
  const bool is_curve = row.family == KeyFamily::ec || row.family == KeyFamily::ecdh;
  if (!is_curve || public_key_der.size() < point_bytes(row)) return {};
  return public_key_der.last(point_bytes(row));
}

CK_KEY_TYPE object_key_type(KeyType type) {
  return objects_of(row(type).family).type;
}

Attributes& add_private_key_uses(const Session& session, Attributes& private_half, KeyType type) {
  private_half.flag(CKA_SIGN, allows(type, Action::sign))
      .flag(CKA_DECRYPT, allows(type, Action::decrypt))
      .flag(CKA_DERIVE, allows(type, Action::derive))
      .none_of({CKA_SIGN_RECOVER, CKA_UNWRAP});
  return session.allow_only(private_half, private_mechanisms(row(type).family));
}

Result<KeyPair> generate_pair_for_wrapping(const Session& session, KeyType type) {
  Attributes public_half, private_half;
  private_half.flag(CKA_EXTRACTABLE, true);
  return generate(session, type, Place::session, public_half, private_half);
}

Result<KeyPair> generate_pair_on_token(const Session& session, KeyType type,
                                       const std::string& label, ByteView id) {
  Attributes public_half, private_half;
  for (Attributes* half : {&public_half, &private_half})
    half->text(CKA_LABEL, label).bytes(CKA_ID, id);
  private_half.flag(CKA_EXTRACTABLE, false);
  return generate(session, type, Place::token, public_half, private_half);
}

Result<CK_OBJECT_HANDLE> create_public_key(const Session& session, KeyType type, ByteView spki,
                                           const std::string& label, ByteView id) {
  const ByteView point = ec_point_of(type, spki);
  if (point.empty()) return fail(Code::key_type, "the public key is none of an EC pair");
  Bytes octet_string{0x04, static_cast<Byte>(point.size())};  // DER; the point has 65 or 97 bytes
  octet_string.insert(octet_string.end(), point.begin(), point.end());
  Attributes key;
  key.number(CKA_CLASS, CKO_PUBLIC_KEY)
      .number(CKA_KEY_TYPE, object_key_type(type))
      .flag(CKA_TOKEN, true)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .flag(CKA_VERIFY, true)
      .none_of({CKA_ENCRYPT, CKA_WRAP})
      .bytes(CKA_EC_PARAMS, curve_parameters(type))
      .bytes(CKA_EC_POINT, octet_string);
  CK_OBJECT_HANDLE object = 0;
  const CK_RV value =
      session.calls().C_CreateObject(session.handle(), key.data(), key.size(), &object);
  if (value != CKR_OK) return fail(error_of_storing("C_CreateObject", value));
  return object;
}

Result<Bytes> public_key_der(const Session& session, CK_OBJECT_HANDLE public_key, KeyType type) {
  const KeyTypeRow& row = nae::row(type);
  switch (row.family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt: {
      NAE_ASSIGN(const Bytes modulus, session.read_attribute(public_key, CKA_MODULUS));
      NAE_ASSIGN(const Bytes exponent, session.read_attribute(public_key, CKA_PUBLIC_EXPONENT));
      return crypto::spki_of_rsa(modulus, exponent);
    }
    case KeyFamily::ec:
    case KeyFamily::edwards:
    case KeyFamily::ecdh:
    case KeyFamily::xdh: {
      NAE_ASSIGN(const Bytes attribute, session.read_attribute(public_key, CKA_EC_POINT));
      NAE_ASSIGN(const ByteView point, point_in(attribute, point_bytes(row)));
      return is_bare_point(row.family) ? crypto::spki_of_edwards(type, point)
                                       : crypto::spki_of_ec(type, point);
    }
    case KeyFamily::aes:
    case KeyFamily::hmac:
    case KeyFamily::aes_raw:
      break;
  }
  return fail(Code::key_type, std::string(row.name) + " keys are no pairs");
}

}  // namespace nae::hsm
