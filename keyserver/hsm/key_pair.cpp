#include "keyserver/hsm/key_pair.hpp"

#include "keyserver/hsm/return_value.hpp"
#include "libnae/crypto/spki.hpp"

namespace nae::hsm {
namespace {

// DER of the curve's object identifier; for Ed25519 the curve's name as a PrintableString, the form
// PKCS#11 3.0 section 2.3.5 allows beside it and SoftHSM 2.6 demands.
constexpr Byte kP256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr Byte kP384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr Byte kEdwards25519[] = {0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
                                  'd',  's',  '2', '5', '5', '1', '9'};
constexpr Byte kRsaExponent[] = {0x01, 0x00, 0x01};

struct Recipe {
  KeyType type;
  CK_MECHANISM_TYPE generate;
  CK_KEY_TYPE object;
  ByteView curve;
  CK_ULONG modulus_bits;
};
constexpr Recipe kRecipes[] = {
    {KeyType::rsa_2048, CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {}, 2048},
    {KeyType::rsa_3072, CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {}, 3072},
    {KeyType::rsa_4096, CKM_RSA_PKCS_KEY_PAIR_GEN, CKK_RSA, {}, 4096},
    {KeyType::ecdsa_p256, CKM_EC_KEY_PAIR_GEN, CKK_EC, kP256, 0},
    {KeyType::ecdsa_p384, CKM_EC_KEY_PAIR_GEN, CKK_EC, kP384, 0},
    {KeyType::ed25519, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKK_EC_EDWARDS, kEdwards25519, 0},
};

const Recipe* find_recipe(KeyType type) {
  for (const Recipe& recipe : kRecipes)
    if (recipe.type == type) return &recipe;
  return nullptr;
}

enum class Place : bool { session, token };

Result<KeyPair> generate(const Session& session, KeyType type, Place place, Attributes& public_half,
                         Attributes& private_half) {
  const Recipe* recipe = find_recipe(type);
  if (!recipe) return fail(Code::key_type, std::string(name(type)) + " keys are no pairs");
  for (Attributes* half : {&public_half, &private_half})
    half->flag(CKA_TOKEN, place == Place::token);
  public_half.flag(CKA_VERIFY, true).none_of({CKA_ENCRYPT, CKA_WRAP});
  if (recipe->object == CKK_RSA)
    public_half.number(CKA_MODULUS_BITS, recipe->modulus_bits)
        .bytes(CKA_PUBLIC_EXPONENT, kRsaExponent);
  else
    public_half.bytes(CKA_EC_PARAMS, recipe->curve);
  private_half.flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, true);
  allow_signing_only(session, add_private_key_uses(private_half), type);

  CK_MECHANISM mechanism{recipe->generate, nullptr, 0};
  KeyPair pair{};
  const CK_RV value = session.calls().C_GenerateKeyPair(
      session.handle(), &mechanism, public_half.data(), public_half.size(), private_half.data(),
      private_half.size(), &pair.public_key, &pair.private_key);
  if (value != CKR_OK)
    return fail(place == Place::token ? error_of_storing("C_GenerateKeyPair", value)
                                      : error_of("C_GenerateKeyPair", value));
  return pair;
}

std::size_t point_bytes(KeyType type) {
  return type == KeyType::ed25519 ? 32 : type == KeyType::ecdsa_p256 ? 65 : 97;
}

// CKA_EC_POINT is an OCTET STRING around the point by the standard, the bare point in some modules.
Result<ByteView> point_in(ByteView attribute, std::size_t bytes) {
  if (attribute.size() == bytes) return attribute;
  if (attribute.size() == bytes + 2 && attribute[0] == 0x04 && attribute[1] == bytes)
    return attribute.subspan(2);
  return fail(Code::hsm_failed, "the HSM's public key has no point of the right length");
}

}  // namespace

ByteView ec_point_of(KeyType type, ByteView public_key_der) {
  if (object_key_type(type) != CKK_EC || public_key_der.size() < point_bytes(type)) return {};
  return public_key_der.last(point_bytes(type));
}

CK_KEY_TYPE object_key_type(KeyType type) {
  const Recipe* recipe = find_recipe(type);
  return recipe ? recipe->object : CKK_GENERIC_SECRET;
}

Attributes& add_private_key_uses(Attributes& attributes) {
  return attributes.flag(CKA_SIGN, true)
      .none_of({CKA_DECRYPT, CKA_SIGN_RECOVER, CKA_UNWRAP, CKA_DERIVE});
}

Attributes& allow_signing_only(const Session& session, Attributes& private_half, KeyType type) {
  switch (object_key_type(type)) {
    case CKK_RSA:
      return session.allow_only(private_half, {CKM_RSA_PKCS, CKM_RSA_PKCS_PSS});
    case CKK_EC:
      return session.allow_only(private_half, {CKM_ECDSA});
    default:
      return session.allow_only(private_half, {CKM_EDDSA});
  }
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

Result<Bytes> public_key_der(const Session& session, CK_OBJECT_HANDLE public_key, KeyType type) {
  if (object_key_type(type) == CKK_RSA) {
    NAE_ASSIGN(const Bytes modulus, session.read_attribute(public_key, CKA_MODULUS));
    NAE_ASSIGN(const Bytes exponent, session.read_attribute(public_key, CKA_PUBLIC_EXPONENT));
    return crypto::spki_of_rsa(modulus, exponent);
  }
  NAE_ASSIGN(const Bytes attribute, session.read_attribute(public_key, CKA_EC_POINT));
  NAE_ASSIGN(const ByteView point, point_in(attribute, point_bytes(type)));
  return type == KeyType::ed25519 ? crypto::spki_of_ed25519(point)
                                  : crypto::spki_of_ec(type, point);
}

}  // namespace nae::hsm
