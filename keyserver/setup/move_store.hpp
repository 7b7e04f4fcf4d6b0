// Moves a store from SQLite's file into a PostgreSQL: `nae-keyserver move-store`, and the last step
// of an `init` with a PostgreSQL.
#pragma once

#include <filesystem>
#include <string>

#include "keyserver/store/change.hpp"
#include "keyserver/store/postgresql/target.hpp"
#include "libnae/base/result.hpp"

namespace nae::setup {

struct MovedStore {
  std::size_t rows = 0;  // with authority, each compared
  std::uint64_t changes = 0;
  store::LedgerHash newest{};  // of the last change, the same on both sides
};

// Copies every row of every table in one transaction, the ledger as it is, and compares: all or
// nothing. `node`: whose audit log the store's kept head is of. The file stays as it is. Nobody
// else may use it meanwhile. Code::already_initialised when the database has a store.
Result<MovedStore> move_store(const std::filesystem::path& file,
                              const store::postgresql::Target& target, const std::string& node);

}  // namespace nae::setup
