// What a ciphertext, signature or message authentication code says about itself.
#pragma once

#include "libnae/envelope/envelope.hpp"
#include "pg_nae/connection/failure.hpp"

namespace nae::functions {

struct ValueDescription {
  std::string_view format;     // "ciphertext", "signature", "mac"
  std::string_view algorithm;  // "aes-256-gcm", "rsa-pss-sha256", ...
  KeyVersionId key;
  bool has_salt = false;  // randomized ciphertexts
  ByteView salt;          // with the lease; of a ciphertext made in the HSM its nonce
  bool has_counter = false;
  std::uint32_t counter = 0;
  ByteView payload;  // the bare signature or code; ciphertext and tag
};

// False and a failure when the bytes are none of the three.
bool describe(ByteView bytes, ValueDescription& description, backend::Failure& failure) noexcept;

}  // namespace nae::functions
