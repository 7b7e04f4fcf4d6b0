// How a file that was written under another name gets its own, for good.
#pragma once

#include <filesystem>

namespace nae {

// A rename that overwrites nothing; false, and errno, when it fails (EEXIST: the name is taken).
bool rename_to_new(const std::filesystem::path& from, const std::filesystem::path& to);

// The new name is on the disk only when its directory is. Directories that cannot be flushed (FUSE,
// some network file systems) flush themselves. False, and errno, when the disk fails at it.
bool flush_directory_of(const std::filesystem::path& file);

}  // namespace nae
