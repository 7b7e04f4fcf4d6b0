// Key material on its way in and out of the HSM: always as AES-KWP (RFC 5649) under a key that
// stays.
#pragma once

#include <p11-kit/pkcs11.h>

#include "keyserver/hsm/session.hpp"
#include "keyserver/keys/attributes.hpp"
#include "libnae/base/algorithm.hpp"

namespace nae::hsm {

// CKA_CLASS, CKA_KEY_TYPE, the only uses and the only mechanisms of a key version's object.
Attributes& add_kind(const Session& session, Attributes& attributes, KeyType type,
                     keys::Protection protection);

inline constexpr CK_ULONG kSecretKeyBytes = 32;  // of AES and HMAC keys that are made here

// What a new object belongs to: CKA_TOKEN.
enum class Place : bool { session, token };
enum class Extractable : bool { no, once /* to be wrapped and destroyed */ };

Result<Bytes> wrap(const Session& session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE object);

// A sensitive session object of `kind`, which is what add_kind() began. `point` is that of an EC
// key pair's public key.
Result<CK_OBJECT_HANDLE> unwrap(const Session& session, CK_MECHANISM mechanism, CK_OBJECT_HANDLE by,
                                ByteView wrapped, Attributes& kind, Extractable extractable,
                                ByteView point = {});

// The same as a token object that stays for good and is never extractable; `kind` has its label and
// id, too. Code::hsm_token_full where the token has no room.
Result<CK_OBJECT_HANDLE> unwrap_on_token(const Session& session, CK_OBJECT_HANDLE by,
                                         ByteView wrapped, Attributes& kind, ByteView point = {});

}  // namespace nae::hsm
