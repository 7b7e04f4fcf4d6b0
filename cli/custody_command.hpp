// The leaves of `nae custody` that have files of their own.
#pragma once

#include "cli/command.hpp"
#include "libnae/crypto/hash.hpp"

namespace nae::cli {

void add_custody_approve(CLI::App& custody, Action& chosen);

// The digest of a request as the custodian was shown it. The connection may be another
// administrator's, and his proxy's: the card answers for what its holder saw, not for a digest that
// comes with it. Code::conflict when the two differ, Code::protocol_violation for a body that
// nobody can be shown.
Result<crypto::Sha256Digest> digest_of_shown(const json::value& approval);

}  // namespace nae::cli
