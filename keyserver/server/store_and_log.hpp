// The store against what the audit log knows of it: a store that was put back shows at the next
// start. docs/spec/ledger.md, "Against the audit log".
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "keyserver/audit/known_store.hpp"
#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/ledger.hpp"

namespace nae::server {

// A new chain has a head from its first record on; one that begins after an accepted loss has these
// before the server signs.
inline constexpr std::uint64_t kRecordsWithoutHead = 3;

audit::StorePoint store_point(store::Ledger& ledger);

// The log of a server, and what its HSM tells of it.
struct LogOfStore {
  std::filesystem::path directory;
  std::string public_key_pem;  // of the audit key
  bool ledger_held = false;    // the HSM has the ledger key for good
};
Result<LogOfStore> log_of_store(const std::filesystem::path& directory, keys::Hsm& hsm);

// What is wrong, in words; nothing when the store is where the log knows it, or further. With a
// ledger key in the HSM a log without a head that tells of the store is wrong as well.
// Code::audit_broken for a head that is unreadable or that the audit key did not sign.
Result<std::optional<std::string>> behind_the_log(store::Ledger& ledger, const LogOfStore& log);

// Code::store_rolled_back for what behind_the_log() finds.
Result<void> check_store_and_log(store::Ledger& ledger, const LogOfStore& log);

}  // namespace nae::server
