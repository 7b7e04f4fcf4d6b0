// One writer for one log.
#pragma once

#include "keyserver/audit/file.hpp"

namespace nae::audit {

// Held until the file is closed, at the latest by the end of the process. Code::conflict when
// another process has it: two servers would tear the chain.
Result<SharedFile> lock_directory(const std::filesystem::path& directory);

// True while some process writes the log. Only looks, so that a reader never keeps a server out.
bool is_locked(const std::filesystem::path& directory);

}  // namespace nae::audit
