// A copy of a store that a server has open, by SQLite's online backup: of one moment, whatever is
// written meanwhile.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "libnae/base/result.hpp"

namespace nae::store::sqlite {

struct BackedUp {
  std::size_t keys = 0, versions = 0;  // that were read back out of the copy
  std::optional<std::string> custody;  // its fact of which custody is in force, as the row is
};

// Writes `copy`, mode 0600, one file without a -wal beside it. It has the name only when it is
// whole and flushed, its pages and references hold together, and each row of a key was read.
// Code::file_failed when the name is taken, Code::not_initialised without a store,
// Code::store_unavailable when the disk is full or the store locked, Code::store_corrupt when the
// copy does not hold together: then the store does not either.
Result<BackedUp> back_up(const std::filesystem::path& store, const std::filesystem::path& copy);

}  // namespace nae::store::sqlite
