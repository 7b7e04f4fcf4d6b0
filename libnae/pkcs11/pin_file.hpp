// The PIN of a token, from a file that only its owner may read.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::pkcs11 {

struct Pin {
  crypto::SecretBytes value;
  std::string state_of_file;  // changes when the file is written again
};

// One LF after the PIN is dropped. Code::file_failed when the file cannot be read, is not secret
// (see check_secrecy()), is empty or longer than 255 bytes, or holds what is no part of a PIN: a
// byte order mark, CR LF, blanks around it, a second line, control characters.
Result<Pin> read_pin(const std::filesystem::path& file);

}  // namespace nae::pkcs11
