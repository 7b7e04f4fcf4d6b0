// A round of a request through the HSM: its work done there, or together with that of others.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keyserver/operations/request.hpp"

namespace nae::operations {

// `progress` is that of the request, which `asked` is; `party` as Request::party(). `done` is
// called on the HSM's thread, or at Settings::hsm_timeout on the watching one: it hands the result
// to the thread of the request, which add()s it to `progress` and serves it again.
void ask_hsm(const Parts& parts, Progress& progress, const std::string& party, HsmWork work,
             std::shared_ptr<const CryptoRequest> asked,
             std::function<void(Result<Prepared>)> done);

}  // namespace nae::operations
