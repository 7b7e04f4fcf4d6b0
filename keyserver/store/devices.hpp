// Devices: the certificates of hosts and of monitoring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::store {

// One certificate issued to a device. A device that is enrolled again has several.
struct DeviceCertificate {
  std::string name;
  std::string fingerprint;  // SHA-256 of the certificate's DER, lower-case hexadecimal
  std::string serial;       // lower-case hexadecimal
  std::int64_t issued_at_us = 0;
  std::int64_t expires_at_us = 0;
  std::string key_sha256;          // SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal
  std::int64_t removed_at_us = 0;  // 0: it was not removed
  friend bool operator==(const DeviceCertificate&, const DeviceCertificate&) = default;
};

// Failures of every call: Code::store_unavailable (disk full, read-only, locked: nothing was
// changed), Code::store_corrupt. Every call is one durable transaction.
class Devices {
 public:
  virtual ~Devices() = default;

  // Code::conflict when the certificate is known already, or when its name has certificates that
  // are neither removed nor expired and none of them is for the same key: a name belongs to whoever
  // holds its key.
  virtual Result<void> insert_device(const DeviceCertificate& device) = 0;
  // Of a second key, beside the only one that the name has good certificates for. Code::conflict
  // when there is another number of them, or when the name ever had certificates for this key: what
  // was given up does not come back.
  virtual Result<void> insert_device_key(const DeviceCertificate& device) = 0;
  // Of two keys that the name has good certificates for `key_sha256` stays: marks those of the
  // other one as removed. Code::conflict when there are not two, or this is neither.
  virtual Result<void> confirm_device_key(std::string_view name, std::string_view key_sha256,
                                          std::int64_t now_us) = 0;
  virtual Result<std::vector<DeviceCertificate>> list_devices() = 0;
  // Marks all certificates of `name` as removed, for good. Code::not_found when there are none.
  virtual Result<void> remove_device(std::string_view name, std::int64_t now_us) = 0;
};

}  // namespace nae::store
