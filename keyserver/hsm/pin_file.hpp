// The PIN of a token, from a file that only its owner may read.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::hsm {

struct Pin {
  crypto::SecretBytes value;
  std::string state_of_file;  // changes when the file is written again
};

// One line end after the PIN is dropped. Code::file_failed when the file cannot be read, is open to
// group or others, is empty or longer than 255 bytes.
Result<Pin> read_pin(const std::filesystem::path& file);

}  // namespace nae::hsm
