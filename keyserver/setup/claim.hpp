// The directory that init works in, claimed for the whole run: one that came meanwhile would take
// the other's note for one that a crash left, and what it has made for leftovers.
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
  ~Claim();
  Claim(Claim&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Claim& operator=(Claim&&) = delete;

 private:
  explicit Claim(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace nae::setup
