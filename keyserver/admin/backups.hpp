// Backups that custodians' cards have granted: the port to whoever can copy the store and seal it.
// keyserver/server/backup_spool.hpp implements it.
#pragma once

#include <cstdint>
#include <string>

#include "libnae/base/bytes.hpp"
#include "libnae/base/result.hpp"

namespace nae::admin {

inline constexpr std::string_view kBackupClass = "backup";   // in approval.required
inline constexpr std::size_t kBackupPartBytes = 768u << 10;  // of the file, in one answer

struct MadeBackup {
  std::string id;           // 16 hexadecimal digits
  std::uint64_t bytes = 0;  // of the file
  std::string sha256;       // of the file, hexadecimal
  std::size_t keys = 0, versions = 0;
};

// Thread-safe.
class Backups {
 public:
  virtual ~Backups() = default;

  // Copies the store as it is at this moment, seals it for the group, and opens it again. It is
  // kept for an hour, for `who` alone. Code::overloaded while one is being made, or some wait to be
  // fetched; Code::unsupported for a store that backs itself up; what the disk or the HSM say.
  virtual Result<MadeBackup> make(const std::string& who) = 0;
  // Bytes from number * kBackupPartBytes on. Code::not_found for none, or another's;
  // Code::invalid_argument behind the end.
  virtual Result<Bytes> part(const std::string& id, const std::string& who,
                             std::uint64_t number) = 0;
  virtual Result<void> forget(const std::string& id, const std::string& who) = 0;
};

}  // namespace nae::admin
