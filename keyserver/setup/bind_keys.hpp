// Rows that the HSM has not bound yet: all those of a store from before keys were bound, once, and
// those of such a store that is brought back later, by a command. docs/spec/keys.md, "Binding".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "keyserver/keys/hsm.hpp"
#include "keyserver/keys/repository.hpp"
#include "libnae/base/result.hpp"

namespace nae::setup {

struct BoundKeys {
  std::size_t versions = 0;
  std::string detail;  // for the audit log
};

// The rows of `store` as they stand, if the token does not bind yet; nothing when it does. Called
// again after a crash it begins anew. The caller records it and then lets the token bind for good,
// by finish_binding(): from then on nobody's rows are believed.
Result<std::optional<BoundKeys>> bind_keys(keys::BindingRepository& store, keys::Hsm& hsm);

// The rows without a binding, of a token that binds. Code::conflict when there are none. `record`
// is called with what is about to be done, and must have written it down.
Result<BoundKeys> accept_keys(keys::BindingRepository& store, keys::Hsm& hsm,
                              const std::function<Result<void>(const std::string&)>& record);

}  // namespace nae::setup
