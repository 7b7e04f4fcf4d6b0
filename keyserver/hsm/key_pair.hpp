// Key pairs: generating them on the token and writing their public halves as SubjectPublicKeyInfo.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>

#include "keyserver/hsm/session.hpp"
#include "libnae/base/algorithm.hpp"

namespace nae::hsm {

inline constexpr Byte kRsaExponent[] = {0x01, 0x00, 0x01};  // F4, big-endian

struct KeyPair {
  CK_OBJECT_HANDLE public_key;
  CK_OBJECT_HANDLE private_key;
};

// CKK_* of a key type's objects.
CK_KEY_TYPE object_key_type(KeyType type);

// What the private half may do once it stands in the HSM for good: sign, decrypt or derive, one of
// them and by the mechanisms of its type.
Attributes& add_private_key_uses(const Session& session, Attributes& private_half, KeyType type);

// Session objects, the private half extractable: to be wrapped and destroyed at once.
Result<KeyPair> generate_pair_for_wrapping(const Session& session, KeyType type);
// Token objects that never leave.
Result<KeyPair> generate_pair_on_token(const Session& session, KeyType type,
                                       const std::string& label, ByteView id);

// The public half of an EC pair as a token object, from its SubjectPublicKeyInfo.
Result<CK_OBJECT_HANDLE> create_public_key(const Session& session, KeyType type, ByteView spki,
                                           const std::string& label, ByteView id);

Result<Bytes> public_key_der(const Session& session, CK_OBJECT_HANDLE public_key, KeyType type);

// The uncompressed point at the end of an EC public key (SubjectPublicKeyInfo, RFC 5480); empty for
// other types.
ByteView ec_point_of(KeyType type, ByteView public_key_der);

}  // namespace nae::hsm
