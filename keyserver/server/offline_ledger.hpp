// The ledger of a store, for commands that write the store of a server that is stopped.
#pragma once

#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/store.hpp"

namespace nae::server {

// Codes as setup::take_up_ledger(): a ledger that only the store or only the token has is refused
// here, too. A store from before there were ledgers stays without one: the
// server begins it, and records that.
Result<void> take_up_ledger_if_there(store::Store& store, keys::Hsm& hsm);

}  // namespace nae::server
