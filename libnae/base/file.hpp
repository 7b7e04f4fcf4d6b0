// Whole files, read with a bound and written without ever overwriting.
#pragma once

#include <filesystem>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae {

// The whole file. Code::file_failed, also when it is longer than `max_bytes`.
Result<std::string> read_file(const std::filesystem::path& file, std::size_t max_bytes);

// Makes a file that did not exist, with these permissions from its first moment, and flushes it to
// the disk. Code::file_failed when it exists.
Result<void> write_new_file(const std::filesystem::path& file, ByteView content, unsigned mode);

}  // namespace nae
