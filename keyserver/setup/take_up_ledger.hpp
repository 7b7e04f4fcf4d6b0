// The ledger of a store, taken up with the key of its HSM: by every server and every command that
// writes the store. docs/spec/ledger.md.
#pragma once

#include <optional>
#include <string>

#include "keyserver/keys/hsm.hpp"
#include "keyserver/store/store.hpp"

namespace nae::setup {

struct BegunLedger {
  std::string detail;  // for the audit log
};

// Compares every row. Of a store from before there were ledgers it begins one, if the token has
// none either, or goes on with one that it could not finish, and answers it: the caller records
// that and then has the token hold it for good, by finish_ledger(); from then on a store without a
// ledger is refused. Code::store_corrupt, with the row or change named; Code::store_rolled_back
// when the token has a ledger and the store has none, or the store has one and the token no key of
// it.
Result<std::optional<BegunLedger>> take_up_ledger(store::Store& store, keys::Hsm& hsm);

// The rows of `store` as they stand are the first changes of a new ledger: of a new store, or of
// one that somebody accepts as it is.
Result<BegunLedger> begin_ledger(store::Store& store, keys::Hsm& hsm);

}  // namespace nae::setup
