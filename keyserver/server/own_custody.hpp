// The custody file of this server's group.
#pragma once

#include "keyserver/config/config.hpp"
#include "keyserver/store/store.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::server {

// Reads a custody file and proves that it is of this server's group: by the copy of the audit log's
// public key, without the HSM. Code::conflict for another group's, Code::file_failed where the
// file or the key is missing.
Result<custody::CustodySet> own_custody(const config::Config& config,
                                        const std::filesystem::path& file);

// Code::conflict when the group's file beside the store is of a later generation than `set`, which
// is from `file`: the custodians have changed, and those who are left out are named. `set` is known
// to be of this group, and its audit key tells whether that file is. Where it is missing or another
// group's nothing is known of a change; what cannot be read, is no custody file or is not signed is
// refused, for it may have been the later one.
Result<void> refuse_former(const config::Config& config, const custody::CustodySet& set,
                           const std::filesystem::path& file);

// Code::config_invalid when `set`, which is from approval.custody, is not signed by `audit_key`, or
// is a former one, as the file beside the store or its ledger tells: anybody can sign a custody
// file of his own.
Result<void> check_custodians(const config::Config& config, store::Store& store,
                              const custody::CustodySet& set, const Bytes& audit_key);

}  // namespace nae::server
