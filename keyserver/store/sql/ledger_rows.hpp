// The rows that the ledger is about, as items of it.
#pragma once

#include <functional>

#include "keyserver/store/change.hpp"
#include "keyserver/store/sql/database.hpp"

namespace nae::store::sql {

// The row as it stands now; without content when there is none.
Result<Item> read_item(Database& database, Noun noun, ByteView identity);

// Every row, nouns and rows in a fixed order. Ends with the first failure of `each`.
Result<void> for_each_item(Database& database, const std::function<Result<void>(Item)>& each);

}  // namespace nae::store::sql
