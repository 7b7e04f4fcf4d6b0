// A secret text that nobody chose: PINs, and the passphrase of a software card.
#pragma once

#include <filesystem>

#include "libnae/base/result.hpp"
#include "libnae/crypto/secret.hpp"

namespace nae::setup {

// 128 bits in hexadecimal, and a newline, as a file for its owner alone. The text is in locked
// memory and there; the answer is without the newline.
Result<crypto::SecretBytes> write_drawn_text(const std::filesystem::path& file);

}  // namespace nae::setup
