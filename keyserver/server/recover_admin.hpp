// `nae-keyserver recover-admin`: break-glass. When nobody can administer any more, because the last
// certificate has expired or its key is lost, whoever may use the server's host and HSM appoints an
// administrator. No call over the network leads here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "keyserver/config/config.hpp"
#include "libnae/base/result.hpp"

namespace nae::server {

struct Recovery {
  std::string name;
  std::vector<std::string> roles;  // empty: all of them
  std::filesystem::path request;   // PKCS#10 (PEM), by a key that stays with the administrator
  std::filesystem::path out;       // new directory for NAME.pem and authority.pem
  std::string reason;
};

struct Recovered {
  std::filesystem::path certificate, authority;
  std::string serial;
  std::int64_t not_after_s = 0;
  std::string detail;  // as the audit log's record says it
};

// For a server that is stopped. The audit log has the record before the store has the
// administrator. An administrator who exists gets a certificate for the key that he has, and keeps
// his roles. Code::conflict when a server runs, or the name or the key is another's;
// Code::audit_broken when the log is not whole; Code::invalid_argument without a reason.
Result<Recovered> recover_admin(const config::Config& config, const Recovery& wanted);

}  // namespace nae::server
