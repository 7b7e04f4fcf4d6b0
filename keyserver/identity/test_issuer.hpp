// For tests: an issuer of users' tokens, ES256 by a key of its own.
#pragma once

#include <boost/json.hpp>
#include <stdexcept>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/crypto/certificate.hpp"

namespace nae::identity::testing {

inline std::string encode_base64url(ByteView bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
    const std::size_t at = bit / 8;
    const unsigned pair =
        static_cast<unsigned>(bytes[at]) << 8 | (at + 1 < bytes.size() ? bytes[at + 1] : 0u);
    text += kAlphabet[pair >> (10 - bit % 8) & 63];
  }
  return text;
}

class TestIssuer {
 public:
  static constexpr char kIssuer[] = "https://login.example";
  static constexpr char kAudience[] = "nae";

  std::string public_key_pem() const { return *crypto::public_key_to_pem(pair_.spki); }

  // [[issuer]] of a policy.
  std::string table(std::string_view name) const {
    return "[[issuer]]\nname = \"" + std::string(name) + "\"\nissuer = \"" + kIssuer +
           "\"\naudience = \"" + kAudience + "\"\nclock_skew_seconds = 0\npublic_keys = [\"\"\"" +
           public_key_pem() + "\"\"\"]\n";
  }

  std::string token(std::string_view subject, std::int64_t expires_s,
                    boost::json::object claims = {}) const {
    claims["iss"] = kIssuer;
    claims["aud"] = kAudience;
    claims["sub"] = boost::json::string_view(subject.data(), subject.size());
    claims["exp"] = expires_s;
    return sign(R"({"alg":"ES256"})", boost::json::serialize(claims));
  }

  // Whatever header and payload are, signed as ES256 has it.
  std::string sign(std::string_view header, std::string_view payload) const {
    const std::string text =
        encode_base64url(as_bytes(header)) + "." + encode_base64url(as_bytes(payload));
    return text + "." + encode_base64url(raw(*(*signer_)(as_bytes(text))));
  }

 private:
  // r and s as 32 bytes each, from Ecdsa-Sig-Value.
  static Bytes raw(ByteView der) {
    Bytes out;
    std::size_t at = 2;
    for (int number = 0; number < 2; ++number) {
      ByteView digits = der.subspan(at + 2, der[at + 1]);
      at += 2 + digits.size();
      if (digits.size() > 32) digits = digits.last(32);
      out.insert(out.end(), 32 - digits.size(), Byte{0});
      out.insert(out.end(), digits.begin(), digits.end());
    }
    return out;
  }

  crypto::KeyPair pair_ = *crypto::generate_p256();
  Result<crypto::Signer> signer_ = crypto::software_signer(pair_.private_key_pem);
};

}  // namespace nae::identity::testing
