// Requests whose values take more working keys than may be in memory for one of them: opened part
// by part on the HSM's thread, with keys that nobody else finds ready for use. Keeping them so
// would empty the cache for all.
#pragma once

#include <string>

#include "keyserver/operations/hsm_items.hpp"

namespace nae::operations {

// Opens as many of `items` as up to `most` derived keys open, at least one. `party`: as in
// WorkingKeys.
HsmWork open_part(keys::WorkingKeys& working_keys, std::vector<ItemOfKey> items, std::size_t most,
                  std::string party);

}  // namespace nae::operations
