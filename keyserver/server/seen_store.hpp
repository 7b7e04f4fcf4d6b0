// The store against what this key server remembers of it beside its audit log. Of a store that is a
// file nothing is remembered: the log is as new as it. docs/spec/group.md, "What a node remembers".
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "keyserver/config/config.hpp"
#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/store.hpp"

namespace nae::server {

std::filesystem::path seen_file(const config::Config& config);

// What the store's changes are authenticated with; nullptr while its ledger is not begun.
Result<std::shared_ptr<const store::LedgerKey>> ledger_key_of(store::Meta& store, keys::Hsm& hsm);

// What the store lost, or that the file is not to be believed, in words; nothing when the store has
// what was seen.
Result<std::optional<std::string>> behind_what_was_seen(const config::Config& config,
                                                        store::Store& store, keys::Hsm& hsm);
// Code::store_rolled_back for what behind_what_was_seen() finds.
Result<void> check_what_was_seen(const config::Config& config, store::Store& store, keys::Hsm& hsm);

// The store, whose ledger is open, is what was seen from now on.
Result<void> believe_store(const config::Config& config, store::Store& store, keys::Hsm& hsm);

}  // namespace nae::server
