// verify-store and accept-store-rollback: commands about the ledger of a store whose server is
// stopped.
#pragma once

#include <string>

#include "keyserver/config/config.hpp"
#include "keyserver/store/ledger.hpp"

namespace nae::server {

// Every change from the first one on, every row, and the store against the audit log's newest head.
// Writes nothing but what opening a store does. Code::store_corrupt, Code::store_rolled_back,
// Code::conflict for a store that has no ledger yet, and those of opening store and HSM.
Result<store::LedgerReport> verify_store(const config::Config& config);

// Goes on with a store that is behind the audit log, or that has no ledger while its HSM knows of
// one: records that first, with the reason, and what the log knew. Answers that text.
// Code::conflict when there is nothing to accept; Code::store_corrupt for rows and changes that a
// hand wrote, which nobody accepts.
Result<std::string> accept_store_rollback(const config::Config& config, const std::string& reason);

}  // namespace nae::server
