// Meta: facts about the server as a whole, such as "server_id".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libnae/base/result.hpp"

namespace nae::store {

// Failures of every call: Code::store_unavailable (disk full, read-only, locked: nothing was
// changed), Code::store_corrupt. Every call is one durable transaction.
class Meta {
 public:
  virtual ~Meta() = default;

  // Written once: Code::conflict when the name has another value already.
  virtual Result<void> set_meta(std::string_view name, std::string_view value) = 0;
  // In the place of `known`, which the caller has read: Code::conflict when it is another
  // meanwhile. Nothing: it was not there.
  virtual Result<void> change_meta(std::string_view name, const std::optional<std::string>& known,
                                   std::string_view value) = 0;
  virtual Result<std::optional<std::string>> meta(std::string_view name) = 0;
};

}  // namespace nae::store
