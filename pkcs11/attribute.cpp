#include "pkcs11/attribute.hpp"

#include <algorithm>
#include <cstring>

#include "libnae/base/text.hpp"
#include "pkcs11/mechanism.hpp"
#include "pkcs11/native.hpp"
#include "pkcs11/private_mechanism.hpp"

namespace nae::pkcs11 {
namespace {

Bytes text(std::string_view value) {
  const ByteView bytes = as_bytes(value);
  return Bytes(bytes.begin(), bytes.end());
}

// Key id and version: what a certificate and a public key of the same version have, too.
Bytes id_of(const Object& object) {
  if (object.is_authority)
    return object.certificate.key_identifier.empty() ? native(object.handle)
                                                     : object.certificate.key_identifier;
  Bytes id(object.id.key.bytes.begin(), object.id.key.bytes.end());
  ByteWriter(id).u16(object.id.version);
  return id;
}

CK_KEY_TYPE key_type_of(const Object& object) {
  switch (row(object.type).family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      return CKK_RSA;
    case KeyFamily::ec:
    case KeyFamily::ecdh:
      return CKK_EC;
    case KeyFamily::edwards:
      return CKK_EC_EDWARDS;
    case KeyFamily::xdh:
      return kMontgomeryKey;
    case KeyFamily::aes_raw:
      return CKK_AES;
    case KeyFamily::hmac:
    case KeyFamily::aes:
      break;
  }
  return CKK_GENERIC_SECRET;
}

CK_MECHANISM_TYPE generator_of(const Object& object) {
  if (object.was_imported) return CK_UNAVAILABLE_INFORMATION;
  switch (row(object.type).family) {
    case KeyFamily::rsa:
    case KeyFamily::rsa_decrypt:
      return CKM_RSA_PKCS_KEY_PAIR_GEN;
    case KeyFamily::ec:
    case KeyFamily::ecdh:
      return CKM_EC_KEY_PAIR_GEN;
    case KeyFamily::edwards:
      return kEdwardsKeyPairGen;
    case KeyFamily::xdh:
      return kMontgomeryKeyPairGen;
    case KeyFamily::aes_raw:
      return CKM_AES_KEY_GEN;
    case KeyFamily::hmac:
    case KeyFamily::aes:
      break;
  }
  return CKM_GENERIC_SECRET_KEY_GEN;
}

bool is_pair(const Object& object) {
  return object.object_class != CKO_SECRET_KEY;
}

// What the caller may do with the object, as policy and key answered the lookup.
bool usage(const Object& object, CK_ATTRIBUTE_TYPE type) {
  const bool is_secret = !is_pair(object);
  if (type == CKA_SIGN)
    return object.object_class != CKO_PUBLIC_KEY &&
           object.allows(is_secret ? Action::mac : Action::sign);
  if (type == CKA_VERIFY)
    return object.object_class != CKO_PRIVATE_KEY &&
           object.allows(is_secret ? Action::mac_verify : Action::verify);
  if (type == CKA_ENCRYPT) return is_secret && object.allows(Action::encrypt);
  if (type == CKA_DECRYPT)
    return object.object_class != CKO_PUBLIC_KEY && object.allows(Action::decrypt);
  if (type == CKA_DERIVE)
    return object.object_class == CKO_PRIVATE_KEY && object.allows(Action::derive);
  return false;
}

Bytes allowed_mechanisms(const Object& object) {
  Bytes out;
  for (const CK_MECHANISM_TYPE mechanism : mechanisms_of(object)) {
    const Bytes type = native(mechanism);
    out.insert(out.end(), type.begin(), type.end());
  }
  return out;
}

Attribute of_every_object(const Object& object, CK_ATTRIBUTE_TYPE type) {
  switch (type) {
    case CKA_CLASS:
      return native(object.object_class);
    case CKA_LABEL:
      return text(object.name);
    case CKA_ID:
      return id_of(object);
    case kUniqueId:
      return text(to_hex(id_of(object)) + "-" + std::to_string(object.object_class));
    case CKA_TOKEN:
      return flag(true);
    // Policy decides by program and user of the system, with or without C_Login.
    case CKA_PRIVATE:
    case CKA_MODIFIABLE:
    case CKA_COPYABLE:
    case CKA_DESTROYABLE:
      return flag(false);
    case CKA_START_DATE:
    case CKA_END_DATE:
      return Bytes();
    default:
      return NoValue::unknown;
  }
}

Attribute of_every_key(const Object& object, CK_ATTRIBUTE_TYPE type) {
  switch (type) {
    case CKA_KEY_TYPE:
      return native(key_type_of(object));
    case CKA_DERIVE:
      return flag(usage(object, type));
    case CKA_LOCAL:
      return flag(!object.was_imported);
    case CKA_KEY_GEN_MECHANISM:
      return native(generator_of(object));
    case CKA_ALLOWED_MECHANISMS:
      return allowed_mechanisms(object);
    default:
      return of_every_object(object, type);
  }
}

Attribute of_secrets(const Object& object, CK_ATTRIBUTE_TYPE type) {
  switch (type) {
    case CKA_SENSITIVE:
      return flag(true);
    case CKA_EXTRACTABLE:
    case CKA_WRAP_WITH_TRUSTED:
    case CKA_ALWAYS_AUTHENTICATE:
    case CKA_UNWRAP:
    case CKA_SIGN_RECOVER:
      return flag(false);
    case CKA_ENCRYPT:
      return is_pair(object) ? Attribute(NoValue::unknown) : flag(usage(object, type));
    case CKA_DECRYPT:
      return flag(usage(object, type));
    case CKA_ALWAYS_SENSITIVE:
      return flag(!object.was_imported);
    // The others are made extractable, and leave the HSM once: wrapped, for the store.
    case CKA_NEVER_EXTRACTABLE:
      return flag(!object.was_imported && !is_wrappable(object.type));
    // Of an imported one nobody here knows the length, but that a key of AES has the one of its
    // type.
    case CKA_VALUE_LEN:
      if (is_pair(object) || (object.was_imported && !takes_cipher_mode(object.type)))
        return NoValue::unknown;
      return native<CK_ULONG>(row(object.type).bits / 8);
    case CKA_VALUE:
    case CKA_PRIVATE_EXPONENT:
    case CKA_PRIME_1:
    case CKA_PRIME_2:
    case CKA_EXPONENT_1:
    case CKA_EXPONENT_2:
    case CKA_COEFFICIENT:
      return NoValue::sensitive;
    default:
      return NoValue::unknown;
  }
}

Attribute of_public_keys(CK_ATTRIBUTE_TYPE type) {
  switch (type) {
    case CKA_ENCRYPT:
    case CKA_WRAP:
    case CKA_VERIFY_RECOVER:
    case CKA_TRUSTED:
      return flag(false);
    default:
      return NoValue::unknown;
  }
}

Attribute of_pairs(const Object& object, CK_ATTRIBUTE_TYPE type) {
  const bool is_rsa = key_type_of(object) == CKK_RSA;
  const ByteView parameters = ec_parameters(object.type);
  switch (type) {
    case CKA_SUBJECT:
      return object.certificate.subject;
    case CKA_PUBLIC_KEY_INFO:
      return object.public_key;
    case CKA_MODULUS:
      return is_rsa ? Attribute(object.parts.modulus) : NoValue::unknown;
    case CKA_PUBLIC_EXPONENT:
      return is_rsa ? Attribute(object.parts.exponent) : NoValue::unknown;
    case CKA_MODULUS_BITS:
      return is_rsa ? Attribute(native<CK_ULONG>(row(object.type).bits)) : NoValue::unknown;
    case CKA_EC_PARAMS:
      return is_rsa ? NoValue::unknown : Attribute(Bytes(parameters.begin(), parameters.end()));
    // Of private keys, too: libp11 makes its public key of it.
    case CKA_EC_POINT:
      return is_rsa ? NoValue::unknown : Attribute(octet_string(object.parts.point));
    default:
      return NoValue::unknown;
  }
}

Attribute of_certificates(const Object& object, CK_ATTRIBUTE_TYPE type) {
  constexpr CK_ULONG kOfTokenUser = 1, kOfAuthority = 2;  // PKCS#11 section 4.6.2
  switch (type) {
    case CKA_CERTIFICATE_TYPE:
      return native<CK_CERTIFICATE_TYPE>(CKC_X_509);
    case CKA_CERTIFICATE_CATEGORY:
      return native(object.is_authority ? kOfAuthority : kOfTokenUser);
    case CKA_TRUSTED:  // whether to believe it nobody here says
      return flag(false);
    case CKA_SUBJECT:
      return object.certificate.subject;
    case CKA_ISSUER:
      return object.certificate.issuer;
    case CKA_SERIAL_NUMBER:
      return object.certificate.serial;
    case CKA_VALUE:
      return object.certificate.value;
    case CKA_PUBLIC_KEY_INFO:
      return object.public_key;
    case CKA_URL:
      return Bytes();
    default:
      return of_every_object(object, type);
  }
}

bool is_known(const Attribute& attribute) {
  const auto* none = std::get_if<NoValue>(&attribute);
  return !none || *none != NoValue::unknown;
}

}  // namespace

Attribute attribute_of(const Object& object, CK_ATTRIBUTE_TYPE type) {
  if (object.object_class == CKO_CERTIFICATE) return of_certificates(object, type);
  if (type == CKA_SIGN || type == CKA_VERIFY) {
    const bool has_it =
        !is_pair(object) || (type == CKA_SIGN) == (object.object_class == CKO_PRIVATE_KEY);
    return has_it ? Attribute(flag(usage(object, type))) : NoValue::unknown;
  }
  Attribute found = of_every_key(object, type);
  if (is_known(found)) return found;
  if (is_pair(object)) found = of_pairs(object, type);
  if (is_known(found)) return found;
  if (object.object_class != CKO_PUBLIC_KEY) found = of_secrets(object, type);
  if (is_known(found)) return found;
  if (object.object_class != CKO_PRIVATE_KEY) found = of_public_keys(type);
  return found;
}

CK_RV fill_in(const Attribute& attribute, CK_ATTRIBUTE& wanted) {
  const auto* value = std::get_if<Bytes>(&attribute);
  const CK_ULONG room = wanted.ulValueLen;
  wanted.ulValueLen = value ? value->size() : CK_UNAVAILABLE_INFORMATION;
  if (!value)
    return std::get<NoValue>(attribute) == NoValue::sensitive ? CKR_ATTRIBUTE_SENSITIVE
                                                              : CKR_ATTRIBUTE_TYPE_INVALID;
  if (!wanted.pValue) return CKR_OK;
  if (room < value->size()) {
    wanted.ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_BUFFER_TOO_SMALL;
  }
  if (!value->empty()) std::memcpy(wanted.pValue, value->data(), value->size());
  return CKR_OK;
}

bool is_equal(const Attribute& attribute, const CK_ATTRIBUTE& wanted) {
  const auto* value = std::get_if<Bytes>(&attribute);
  return value && value->size() == wanted.ulValueLen &&
         (value->empty() || std::memcmp(value->data(), wanted.pValue, value->size()) == 0);
}

}  // namespace nae::pkcs11
