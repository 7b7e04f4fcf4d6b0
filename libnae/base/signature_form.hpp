// What `algorithm` of sign and verify selects: a scheme, and whether an item is the message or its
// digest. docs/spec/wire.md, "Finished digests".
#pragma once

#include "libnae/base/algorithm.hpp"

namespace nae {

struct SignatureForm {
  SignatureScheme scheme = SignatureScheme::key_default;
  // The item is the digest of the message by the scheme's hash: TLS, SSH and PKCS#11 hash
  // themselves. The signature is the same one.
  bool of_digest = false;
};

// Numbers of schemes are 0xc1 and up; less this one they mean the same of a digest.
inline constexpr std::uint8_t kDigestFormOffset = 0x40;

constexpr SignatureForm signature_form(std::uint8_t number) {
  const bool of_digest = number >= 0x80 && number < 0xc0;
  return {static_cast<SignatureScheme>(of_digest ? number + kDigestFormOffset : number), of_digest};
}
constexpr std::uint8_t wire_number(SignatureForm form) {
  const auto number = static_cast<std::uint8_t>(form.scheme);
  return form.of_digest ? static_cast<std::uint8_t>(number - kDigestFormOffset) : number;
}

}  // namespace nae
