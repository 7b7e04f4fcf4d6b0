// What init and restore work on, claimed for the whole run: one that came meanwhile would take the
// other's note for one that a crash left, and what it has made, files or keys, for leftovers.
#pragma once

#include <filesystem>
#include <utility>

#include "libnae/base/result.hpp"

namespace nae::setup {

class Claim {
 public:
  // Makes the directory, for its owner alone, where there is none. Held until the object or the
  // process ends: an advisory lock of the directory itself (flock(2)), which leaves no file behind.
  // Code::conflict when another process has it; Code::file_failed when it cannot be made or locked.
  static Result<Claim> take(const std::filesystem::path& directory);
  // The same of a directory that is there: it is not made.
  static Result<Claim> take_existing(const std::filesystem::path& directory);
  // Of a token, which PKCS#11 has no lock for: the lock is that of its PIN file, which whoever
  // works on the token has to name. Two files with one PIN, or two machines, are not kept apart.
  static Result<Claim> take_token(const std::filesystem::path& pin_file);
  ~Claim();
  Claim(Claim&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Claim& operator=(Claim&&) = delete;

 private:
  explicit Claim(int descriptor) : descriptor_(descriptor) {}
  static Result<Claim> lock(const std::filesystem::path& path, int kind);
  int descriptor_;
};

}  // namespace nae::setup
