#include "pkcs11/derived_secret.hpp"

#include <cstring>

#include "pkcs11/native.hpp"

namespace nae::pkcs11 {
namespace {

constexpr std::size_t kMaxTextBytes = 1024;  // of CKA_LABEL and CKA_ID

template <class T>
bool read_as(const CK_ATTRIBUTE& attribute, T& out) {
  if (!attribute.pValue || attribute.ulValueLen != sizeof out) return false;
  std::memcpy(&out, attribute.pValue, sizeof out);
  return true;
}
bool read_as(const CK_ATTRIBUTE& attribute, Bytes& out) {
  if (attribute.ulValueLen > kMaxTextBytes || (!attribute.pValue && attribute.ulValueLen != 0))
    return false;
  const auto* bytes = static_cast<const Byte*>(attribute.pValue);
  out.assign(bytes, bytes + attribute.ulValueLen);
  return true;
}

// Callers ask for uses that nothing here has: the secret is computed with elsewhere. They are
// taken, and C_GetAttributeValue says that there is none.
bool is_use(CK_ATTRIBUTE_TYPE type) {
  switch (type) {
    case CKA_ENCRYPT:
    case CKA_DECRYPT:
    case CKA_SIGN:
    case CKA_VERIFY:
    case CKA_WRAP:
    case CKA_UNWRAP:
    case CKA_DERIVE:
      return true;
    default:
      return false;
  }
}

CK_RV require(const CK_ATTRIBUTE& attribute, bool wanted) {
  CK_BBOOL value = CK_FALSE;
  if (!read_as(attribute, value)) return CKR_ATTRIBUTE_VALUE_INVALID;
  return (value != CK_FALSE) == wanted ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

}  // namespace

CK_RV DerivedTemplate::want(const CK_ATTRIBUTE& attribute) {
  CK_BBOOL truth = CK_FALSE;
  CK_ULONG number = 0;
  switch (attribute.type) {
    case CKA_CLASS:
      if (!read_as(attribute, number)) return CKR_ATTRIBUTE_VALUE_INVALID;
      return number == CKO_SECRET_KEY ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
    case CKA_KEY_TYPE:
      if (!read_as(attribute, number)) return CKR_ATTRIBUTE_VALUE_INVALID;
      key_type_ = number;
      return number == CKK_GENERIC_SECRET || number == CKK_AES ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
    case CKA_VALUE_LEN:
      if (!read_as(attribute, number)) return CKR_ATTRIBUTE_VALUE_INVALID;
      value_bytes_ = number;
      return CKR_OK;
    case CKA_TOKEN:
    case CKA_SENSITIVE:
      return require(attribute, false);
    case CKA_EXTRACTABLE:
      return require(attribute, true);
    case CKA_PRIVATE:
      if (!read_as(attribute, truth)) return CKR_ATTRIBUTE_VALUE_INVALID;
      wanted_.is_private = truth != CK_FALSE;
      return CKR_OK;
    case CKA_LABEL:
      return read_as(attribute, wanted_.label) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    case CKA_ID:
      return read_as(attribute, wanted_.id) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    default:
      if (!is_use(attribute.type)) return CKR_ATTRIBUTE_TYPE_INVALID;
      return read_as(attribute, truth) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
  }
}

CK_RV DerivedTemplate::want(const CK_ATTRIBUTE* attributes, CK_ULONG count,
                            std::size_t agreed_bytes) {
  for (CK_ULONG i = 0; i < count; ++i)
    if (const CK_RV rv = want(attributes[i]); rv != CKR_OK) return rv;
  wanted_.key_type = key_type_.value_or(CKK_GENERIC_SECRET);
  if (wanted_.key_type == CKK_AES) {
    if (!value_bytes_) return CKR_TEMPLATE_INCOMPLETE;
    if (*value_bytes_ != 16 && *value_bytes_ != 24 && *value_bytes_ != 32)
      return CKR_KEY_SIZE_RANGE;
  }
  if (!value_bytes_) value_bytes_ = agreed_bytes;
  return *value_bytes_ > 0 && *value_bytes_ <= agreed_bytes ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

DerivedSecret DerivedTemplate::made_of(ByteView agreed) const {
  DerivedSecret secret = wanted_;
  const ByteView kept = agreed.last(*value_bytes_);
  secret.value.assign(kept.begin(), kept.end());
  return secret;
}

Attribute attribute_of(const DerivedSecret& secret, CK_ATTRIBUTE_TYPE type) {
  switch (type) {
    case CKA_CLASS:
      return native<CK_OBJECT_CLASS>(CKO_SECRET_KEY);
    case CKA_KEY_TYPE:
      return native<CK_KEY_TYPE>(secret.key_type);
    case CKA_VALUE:
      return secret.value;
    case CKA_VALUE_LEN:
      return native<CK_ULONG>(secret.value.size());
    case CKA_LABEL:
      return secret.label;
    case CKA_ID:
      return secret.id;
    case CKA_KEY_GEN_MECHANISM:
      return native<CK_MECHANISM_TYPE>(CK_UNAVAILABLE_INFORMATION);
    case CKA_PRIVATE:
      return flag(secret.is_private);
    case CKA_EXTRACTABLE:
    case CKA_DESTROYABLE:
      return flag(true);
    case CKA_TOKEN:
    case CKA_SENSITIVE:
    case CKA_ALWAYS_SENSITIVE:
    case CKA_NEVER_EXTRACTABLE:
    case CKA_LOCAL:
    case CKA_MODIFIABLE:
    case CKA_COPYABLE:
    case CKA_TRUSTED:
    case CKA_WRAP_WITH_TRUSTED:
      return flag(false);
    case CKA_START_DATE:
    case CKA_END_DATE:
      return Bytes();
    default:
      return is_use(type) ? flag(false) : Attribute(NoValue::unknown);
  }
}

}  // namespace nae::pkcs11
