// Attributes of objects: what there is, what is never told, and templates that are searched for.
#pragma once

#include <optional>
#include <variant>

#include "pkcs11/object.hpp"

namespace nae::pkcs11 {

// No such attribute of this object, or one that is never told.
enum class NoValue { unknown, sensitive };
using Attribute = std::variant<NoValue, Bytes>;

Attribute attribute_of(const Object& object, CK_ATTRIBUTE_TYPE type);

// One attribute of a template: CKR_OK, or what PKCS#11 section 5.7.5 has for it.
CK_RV fill_in(const Attribute& attribute, CK_ATTRIBUTE& wanted);
bool is_equal(const Attribute& attribute, const CK_ATTRIBUTE& wanted);

// C_GetAttributeValue for one object. CKR_OK, or what is so for some attribute; the others are
// filled in all the same.
template <class AnyObject>
CK_RV read_attributes(const AnyObject& object, CK_ATTRIBUTE* attributes, CK_ULONG count) {
  CK_RV worst = CKR_OK;
  for (CK_ULONG i = 0; i < count; ++i)
    if (const CK_RV rv = fill_in(attribute_of(object, attributes[i].type), attributes[i]);
        rv != CKR_OK)
      worst = rv;
  return worst;
}

// Whether the object has all attributes of the template, as C_FindObjectsInit wants it.
template <class AnyObject>
bool matches(const AnyObject& object, const CK_ATTRIBUTE* attributes, CK_ULONG count) {
  for (CK_ULONG i = 0; i < count; ++i)
    if (!is_equal(attribute_of(object, attributes[i].type), attributes[i])) return false;
  return true;
}

}  // namespace nae::pkcs11
