// The store against the newest signed head of the audit log, which says what the store had come to:
// a store that was put back shows at the next start. docs/spec/ledger.md, "Against the audit log".
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "keyserver/audit/head.hpp"
#include "keyserver/store/ledger.hpp"

namespace nae::server {

audit::StorePoint store_point(store::Ledger& ledger);

// What is wrong, in words; nothing when the store is where the log knows it, or further, or the log
// says nothing of it. The head must have been verified, as audit::Log::open() does.
Result<std::optional<std::string>> behind_the_log(store::Ledger& ledger,
                                                  const std::filesystem::path& directory);

// Code::store_rolled_back for what behind_the_log() finds.
Result<void> check_store_and_log(store::Ledger& ledger, const std::filesystem::path& directory);

}  // namespace nae::server
