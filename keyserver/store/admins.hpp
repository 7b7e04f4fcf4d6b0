// Admins: who administers the key server, with roles and certificates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::store {

struct AdminCertificate {
  std::string fingerprint;  // SHA-256 of the certificate's DER, lower-case hexadecimal
  std::string serial;       // lower-case hexadecimal
  std::int64_t issued_at_us = 0;
  std::int64_t expires_at_us = 0;
  friend bool operator==(const AdminCertificate&, const AdminCertificate&) = default;
};

// All certificates of an administrator are for one key, and a key is one administrator's: who has
// two names could approve what he has requested himself.
struct Admin {
  std::string name;
  std::vector<std::string> roles;  // sorted: "auditor", "key-admin", "operator", "policy-admin"
  std::int64_t created_at_us = 0;
  std::string key_sha256 = {};  // SHA-256 of the SubjectPublicKeyInfo, lower-case hexadecimal
  std::vector<AdminCertificate> certificates = {};  // by fingerprint
  friend bool operator==(const Admin&, const Admin&) = default;
};

// How many administrators must hold a role after somebody lost it: those with a certificate that is
// good at `now_us` count.
struct LeastHolders {
  std::size_t count = 1;
  std::int64_t now_us = 0;
};

// Failures of every call: Code::store_unavailable (disk full, read-only, locked: nothing was
// changed), Code::store_corrupt. Every call is one durable transaction.
class Admins {
 public:
  virtual ~Admins() = default;

  // Code::conflict when the name is taken, or the key is another administrator's.
  virtual Result<void> insert_admin(const Admin& admin) = 0;
  virtual Result<std::optional<Admin>> find_admin(std::string_view name) = 0;
  virtual Result<std::vector<Admin>> list_admins() = 0;
  // Another certificate for the key that the administrator has. Code::conflict when there is no
  // such administrator with this key.
  virtual Result<void> insert_admin_certificate(const Admin& admin,
                                                const AdminCertificate& certificate) = 0;
  // `before`: what the caller decided by. Code::not_found; Code::conflict when the roles are others
  // by now, or when too few would be left to hold one of those that are lost.
  virtual Result<void> set_admin_roles(const Admin& before, const std::vector<std::string>& roles,
                                       const LeastHolders& least) = 0;
  // With its certificates. Codes as set_admin_roles().
  virtual Result<void> remove_admin(const Admin& before, const LeastHolders& least) = 0;
};

}  // namespace nae::store
