// Secret files: private keys and PINs, which nobody may open who need not.
#pragma once

#include <sys/stat.h>

#include <filesystem>

#include "libnae/base/result.hpp"

namespace nae {

// By the status of the open file. Nobody but its owner may open it; when the owner is root, its
// group may read it too. That is how a secret is handed to a service that does not own it: by
// systemd's LoadCredential=, by Kubernetes, by a package's root:postgres 0640. Code::file_failed.
Result<void> check_secrecy(const struct stat& status, const std::filesystem::path& file);

}  // namespace nae
