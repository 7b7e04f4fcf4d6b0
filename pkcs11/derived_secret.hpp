// DerivedSecret: what C_DeriveKey made. It is in the memory of the process, which is what it is
// for: no key of the key server, and not kept from whoever asked for it.
#pragma once

#include "pkcs11/attribute.hpp"

namespace nae::pkcs11 {

struct DerivedSecret {
  CK_SESSION_HANDLE session = 0;  // it ends with that
  Bytes value;
  CK_KEY_TYPE key_type = CKK_GENERIC_SECRET;
  bool is_private = false;
  Bytes label, id;
};

// What a template wants of a secret of `agreed`. A shorter one has its last bytes (pkcs11-curr-v3.0
// section 2.3.9). CKR_TEMPLATE_INCONSISTENT for one that is to be kept from the process or to stay,
// CKR_TEMPLATE_INCOMPLETE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID,
// CKR_KEY_SIZE_RANGE.
class DerivedTemplate {
 public:
  CK_RV want(const CK_ATTRIBUTE* attributes, CK_ULONG count, std::size_t agreed_bytes);
  DerivedSecret made_of(ByteView agreed) const;

 private:
  CK_RV want(const CK_ATTRIBUTE& attribute);
  DerivedSecret wanted_;
  std::optional<CK_KEY_TYPE> key_type_;
  std::optional<CK_ULONG> value_bytes_;
};

Attribute attribute_of(const DerivedSecret& secret, CK_ATTRIBUTE_TYPE type);

}  // namespace nae::pkcs11
