// Keys that anybody finds: what a faulty generator makes, or a hand that wants to open later what
// others close. Asked of keys that come from elsewhere.
#pragma once

#include "libnae/base/result.hpp"
#include "libnae/crypto/public_key.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

// As far as the public half tells (NIST SP 800-89 section 5.3.3 and beyond). Code::invalid_argument
// for RSA exponents below 65537, even or above 256 bits, for a modulus with a small factor or one
// that is prime, for primes so close that Fermat finds them, and for EC scalars that are small or
// one byte repeated.
Result<void> check_strength(const PublicKey& key);

// Whether a PrivateKeyInfo of so many bytes can be one of `key`, an RSA key of two primes of half
// its length each: three of a third each take more. `slack` bytes may be padding.
bool has_two_primes_length(const PublicKey& key, std::size_t bytes, std::size_t slack);

// Whether `code` is the HMAC-SHA-256 of `data` under a secret of one byte repeated, `least` to
// `most` times.
bool is_code_of_constant_secret(ByteView data, ByteView code, std::size_t least, std::size_t most);

}  // namespace nae::crypto
