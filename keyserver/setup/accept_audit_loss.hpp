// When the audit log is lost for good: a new chain that begins with what was lost and why.
#pragma once

#include <filesystem>
#include <string>

#include "keyserver/audit/head_keeper.hpp"
#include "libnae/base/result.hpp"

namespace nae::setup {

struct AcceptedLoss {
  std::filesystem::path
      moved_to;        // where the remains of the old log are now; empty: there were none
  std::string detail;  // as the new chain's record says it
};

// For a server that is stopped. Moves what is left of the log to a directory beside its files,
// begins a new chain whose first record after the segment's says what was lost, and lets the store
// forget the old head. May be repeated after a crash. Code::conflict when a server runs or when
// nothing is lost, Code::invalid_argument without a reason.
Result<AcceptedLoss> accept_audit_loss(audit::HeadKeeper& store,
                                       const std::filesystem::path& audit_directory,
                                       const std::string& reason);

}  // namespace nae::setup
