// Where SoftHSM2's configuration says that its tokens are.
#pragma once

#include <filesystem>
#include <optional>

#include "libnae/base/result.hpp"

namespace nae::server {

// As the file says, whether it is there or not; nothing where the file cannot be read or names
// none.
std::optional<std::filesystem::path> token_directory(
    const std::filesystem::path& softhsm_configuration);

// Code::hsm_token_missing, naming file and directory, when the directory that the file names is not
// there: SoftHSM2 itself says only that there is no such token. A file that cannot be read or names
// none is left to SoftHSM2.
Result<void> check_token_directory(const std::filesystem::path& softhsm_configuration);

}  // namespace nae::server
