// Form: what a request of each action may carry besides its items. What is not used is refused: an
// asker that believes it had an effect is wrong about what was done.
#pragma once

#include "keyserver/operations/crypto_request.hpp"
#include "libnae/base/result.hpp"

namespace nae::operations {

// Code::invalid_argument, or Code::unsupported for an algorithm. What depends on the key, its type
// and the algorithms of other actions is the action's to say.
Result<void> check_form(const CryptoRequest& asked);

}  // namespace nae::operations
