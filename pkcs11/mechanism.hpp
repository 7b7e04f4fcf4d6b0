// Mechanism: a row for each that C_GetMechanismList tells, and how its input becomes what the key
// server signs or checks.
#pragma once

#include <optional>
#include <span>

#include "libnae/base/signature_form.hpp"
#include "pkcs11/object.hpp"

namespace nae::pkcs11 {

inline constexpr CK_MECHANISM_TYPE kEdwardsKeyPairGen = 0x1055;  // CKM_EC_EDWARDS_KEY_PAIR_GEN
inline constexpr CK_MECHANISM_TYPE kMontgomeryKeyPairGen = 0x1056;
inline constexpr CK_KEY_TYPE kMontgomeryKey = 0x41;  // CKK_EC_MONTGOMERY

enum class Input : std::uint8_t {
  message,       // of any length, in parts too
  digest,        // as long as the scheme's hash
  ecdsa_digest,  // of any SHA-2: ECDSA takes the leftmost bits of it (FIPS 186-5 section 6.4.1)
  digest_info,   // RFC 8017 section 9.2: names its hash itself
};

struct Mechanism {
  CK_MECHANISM_TYPE type;
  KeyFamily family;
  Input input;
  std::optional<SignatureMethod> method;  // none: HMAC
  std::optional<HashAlgorithm> hash;      // of a message; a digest's comes with it
  CK_ULONG least_bits, most_bits;

  bool fits(const Object& object) const;
};

std::span<const Mechanism> mechanisms();
const Mechanism* find_mechanism(CK_MECHANISM_TYPE type);
CK_MECHANISM_INFO info_of(const Mechanism& mechanism);

// The scheme that a mechanism and its parameter ask for; key_default where the input will say it.
// CKR_MECHANISM_PARAM_INVALID, CKR_KEY_TYPE_INCONSISTENT, or CKR_KEY_FUNCTION_NOT_PERMITTED for a
// scheme that the key's attributes do not allow.
CK_RV scheme_of(const Mechanism& mechanism, const CK_MECHANISM& asked, const Object& object,
                SignatureScheme& scheme);

// What of an operation's data goes to the key server.
struct SignedItem {
  SignatureForm form;
  Bytes item;
};
// CKR_DATA_LEN_RANGE or CKR_DATA_INVALID.
CK_RV item_of(const Mechanism& mechanism, SignatureScheme scheme, const Object& object,
              ByteView data, SignedItem& out);

// Signatures as PKCS#11 has them: those of ECDSA are r and s, each as long as the order
// (pkcs11-curr-v3.0 section 2.3.1), where NAE's are DER (RFC 3279 section 2.2.3).
std::optional<Bytes> to_cryptoki(const Object& object, ByteView signature);
Bytes from_cryptoki(const Object& object, ByteView signature);

}  // namespace nae::pkcs11
