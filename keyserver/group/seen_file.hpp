// The file that remembers what this key server has seen of the store's ledger: docs/spec/group.md,
// "What a node remembers".
#pragma once

#include <filesystem>
#include <optional>

#include "keyserver/store/ledger.hpp"

namespace nae::group {

inline constexpr const char* kSeenFile = "store-seen";

// Nothing when there is no file. Code::file_failed for one that this group's key servers did not
// write.
Result<std::optional<store::LedgerPoint>> read_seen(const std::filesystem::path& file,
                                                    const store::LedgerKey& key);
// Whole or not at all, and on the disk when it returns.
Result<void> write_seen(const std::filesystem::path& file, const store::LedgerPoint& point,
                        const store::LedgerKey& key);

}  // namespace nae::group
