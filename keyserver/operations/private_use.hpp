// What a key version is asked for item by item in the HSM: each has its own result, or its own
// failure.
#pragma once

#include <functional>

#include "keyserver/operations/authorize.hpp"
#include "keyserver/operations/hsm_items.hpp"

namespace nae::operations {

// Of one item, on the HSM's thread. Code::invalid_argument and Code::authentication_failed are the
// item's own failures, any other is that of the request.
using PrivateUse = std::function<Result<Bytes>(keys::Hsm&, const keys::HsmKey& key,
                                               const CryptoRequest& asked, std::uint32_t item)>;

// Refused with Code::too_many_items: the HSM takes milliseconds for each. `operations`: so many of
// the HSM's each takes.
Outcome use_private_key(Request& request, const Granted& granted, PrivateUse use,
                        std::size_t operations = 1);

// The same of a secret key, whose items take microseconds each and as long as they have bytes, or
// else a smaller `share` of the HSM's thread.
Outcome use_secret_key(Request& request, const Granted& granted, PrivateUse use,
                       HsmShare share = HsmShare());

}  // namespace nae::operations
