// Which closed segments do not verify: asked by who reads them, and gone through in the background.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "libnae/base/result.hpp"

namespace nae::audit {

struct DamagedSegment {
  std::string file;     // name within the directory
  std::string problem;  // the first thing that is wrong with it
  friend bool operator==(const DamagedSegment&, const DamagedSegment&) = default;
};

// What verified is remembered for as long as the file stays as it was, a day at most: reading a log
// again and again must not prove it again and again. Thread-safe.
class SegmentChecks {
 public:
  // `public_key_pem`: empty to check the chain without the heads.
  SegmentChecks(std::filesystem::path directory, std::string public_key_pem)
      : directory_(std::move(directory)), public_key_pem_(std::move(public_key_pem)) {}

  // All closed segments; those that do not verify. Whether one is missing between two is a matter
  // of the whole log: verify().
  Result<std::vector<DamagedSegment>> check_all(std::int64_t now_us);
  // The next closed segment whose turn it is; false when none is.
  Result<bool> check_next(std::int64_t now_us);
  // As far as is known.
  std::vector<DamagedSegment> damaged() const;

 private:
  struct File {
    std::uintmax_t bytes = 0;
    std::filesystem::file_time_type changed{};
    friend bool operator==(const File&, const File&) = default;
  };
  struct Checked {
    File file;
    std::int64_t at_us = 0;
    std::string problem;  // empty: it verified
  };
  Result<void> check(const std::filesystem::path& segment, const File& file, std::int64_t now_us);
  Result<std::vector<std::pair<std::filesystem::path, File>>> due(std::int64_t now_us);

  const std::filesystem::path directory_;
  const std::string public_key_pem_;
  mutable std::mutex mutex_;
  std::map<std::string, Checked> checked_;
};

}  // namespace nae::audit
