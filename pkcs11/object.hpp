// Object: a key version as PKCS#11 shows it, public, private or secret, and its certificates; and
// the table of all of them that the caller may use, as the key server listed them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libnae/base/algorithm.hpp"
#include "libnae/base/key_id.hpp"
#include "libnae/base/result.hpp"
#include "libnae/base/table.hpp"
#include "pkcs11/certificate_parts.hpp"
#include "pkcs11/cryptoki.hpp"
#include "pkcs11/public_key_parts.hpp"

namespace nae::pkcs11 {

struct Object {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  KeyVersionId id;
  std::string name;  // of the key
  KeyType type{};
  bool is_primary = false;
  bool was_imported = false;  // or nobody knows
  std::vector<Action> actions;
  std::vector<SignatureScheme> schemes;
  std::vector<DecryptionScheme> decryptions;
  std::vector<CipherMode> modes;
  Bytes public_key;  // SubjectPublicKeyInfo; empty of a secret
  PublicKeyParts parts;
  // Of a CKO_CERTIFICATE itself; of a pair that of its certificate, when it has one.
  CertificateParts certificate;
  bool is_authority = false;  // the certificate of one above the key: `id` and types say nothing

  bool allows(Action action) const;
  bool allows(SignatureScheme scheme) const;
  bool allows(DecryptionScheme scheme) const;
  bool allows(CipherMode mode) const;
  // As requests name it: the object is of one version.
  std::string versioned_name() const { return name + ":" + std::to_string(id.version); }
  // Of signatures as PKCS#11 has them, and codes.
  std::size_t signature_bytes() const;
};

class ObjectTable {
 public:
  // Of a lookup of objects. Key types that PKCS#11 has no object for, and rows of a later server
  // that cannot be read here, are left out.
  static ObjectTable from(const Table& listed, bool shows_ed25519);

  // In the order in which they are found: by name, of a name the primary version first.
  const std::vector<Object>& objects() const { return objects_; }
  const Object* find(CK_OBJECT_HANDLE handle) const;

 private:
  void add(Object object);
  void add_certificates(const Object& pair, std::vector<CertificateParts> chain);
  std::vector<Object> objects_;
  std::map<CK_OBJECT_HANDLE, std::size_t> by_handle_;
};

// The same for the same version and class in every process and at every time, so that a handle
// outlives a fork and a restart. Of ids that are random already.
CK_OBJECT_HANDLE handle_of(const KeyVersionId& id, CK_OBJECT_CLASS object_class);
// The same for one authority's certificate, whatever keys it is above of.
CK_OBJECT_HANDLE handle_of(const CertificateParts& authority);

}  // namespace nae::pkcs11
