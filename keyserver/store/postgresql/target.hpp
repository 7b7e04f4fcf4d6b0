// Target: where a PostgreSQL store is, and what must be true of the way there.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::store::postgresql {

// libpq's parameters, by name.
using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Target {
  Parameters parameters;           // as PQconnectdbParams() takes them
  std::vector<std::string> hosts;  // in their order
  std::string database;
  // Set when nobody waits for the store any more: calls under way end within some milliseconds, and
  // others fail at once. nullptr: never.
  std::shared_ptr<const std::atomic<bool>> given_up = {};
  // For people and logs: "postgresql://db1,db2:5433/nae", without user or password.
  std::string text() const;
  // The parameters of one host alone.
  Parameters of_host(std::size_t host) const;
};

// Whether `text` names a PostgreSQL: "postgresql://..." or "postgres://...".
bool is_target(std::string_view text);

// Reads a connection string and completes it. Code::config_invalid when libpq does not take it,
// when it leaves this machine without verified TLS (sslmode=verify-full, which is the default), has
// a password in it, or sets what the key server itself decides (target_session_attrs, options,
// hostaddr, service).
Result<Target> read_target(const std::string& text);

}  // namespace nae::store::postgresql
