// Which custody of a group is in force, as the ledger of its store knows it: a fact that only ever
// goes forward, so that a custody file of former custodians is known for one wherever it is put.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "keyserver/config/config.hpp"
#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/store.hpp"
#include "libnae/custody/custody_set.hpp"

namespace nae::server {

struct CustodyInForce {
  std::uint32_t generation = 0;
  std::string sha256;  // of the file, in hexadecimal
};

// The fact "custody": "2 SHA-256". Code::store_corrupt.
Result<CustodyInForce> parse_custody_fact(std::string_view fact);
// Nothing as long as the custodians have not changed. The store's ledger is taken up, or there is
// none.
Result<std::optional<CustodyInForce>> custody_in_force(store::Meta& store);

// Code::conflict when `known`, which is in force, is of a later generation than `set`, which is
// from `file`, or another file of the same one.
Result<void> refuse_superseded(const CustodyInForce& known, const custody::CustodySet& set,
                               const std::filesystem::path& file);
// So does the ledger of a store.
Result<void> refuse_superseded(store::Meta& store, const custody::CustodySet& set,
                               const std::filesystem::path& file);

// The ledger goes forward to the generation of `set`, which is known to be of this group and in its
// place. True when it did, false when it had. Code as refuse_superseded().
Result<bool> take_up_custody(store::Meta& store, const custody::CustodySet& set,
                             const std::filesystem::path& file);

// Of a start: the custody file beside the store against the ledger, which is taken up.
// Code::config_invalid for one that is superseded, recorded in the audit log ("custody-refused");
// one that is later is taken up. Neither where this `only_reads`, which says that it is later. What
// a change of custodians that was killed had written, and nobody put in force, is removed. A file
// that is missing, cannot be read, or is of another group says nothing. Code::server_unavailable
// when who is in charge of the store has changed it meanwhile.
Result<void> check_custody_at_start(const config::Config& config, store::Store& store,
                                    keys::Hsm& hsm, bool only_reads);

// Of one that waits while another is in charge, and so has not taken up the ledger: the row as it
// is. Code::config_invalid for a file that is superseded; whatever else is wrong the start finds.
Result<void> check_custody_while_waiting(const config::Config& config, store::Meta& store,
                                         keys::Hsm& hsm);

// So do the rows of a PostgreSQL as they are: for who cannot take up the ledger, or not yet.
// Nothing of a store that is a file, or cannot be read: what is wrong with that others find.
Result<void> refuse_superseded_in_group(const config::Config& config,
                                        const custody::CustodySet& set,
                                        const std::filesystem::path& file);

// For commands that work by a custody file: takes up the ledger of the stopped server's store, and
// refuses a superseded `set`. Code::conflict, too, for the store of an older release.
Result<void> refuse_superseded_here(const config::Config& config, const custody::CustodySet& set,
                                    const std::filesystem::path& file);

}  // namespace nae::server
