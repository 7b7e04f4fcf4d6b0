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

// C_GetAttributeValue for one object. CKR_OK, or what PKCS#11 section 5.7.5 has for some attribute;
// the others are filled in all the same.
CK_RV read_attributes(const Object& object, CK_ATTRIBUTE* attributes, CK_ULONG count);

// Whether the object has all attributes of the template, as C_FindObjectsInit wants it.
bool matches(const Object& object, const CK_ATTRIBUTE* attributes, CK_ULONG count);

}  // namespace nae::pkcs11
