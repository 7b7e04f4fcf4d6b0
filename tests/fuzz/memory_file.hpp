// A file in memory under a path that never changes, for what reads files by name.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

class MemoryFile {
 public:
  // /proc/self/fd/100: relative names in the file, such as "100", are then files too.
  static constexpr int kDescriptor = 100;
  MemoryFile() {
    const int made = ::memfd_create("fuzz", MFD_CLOEXEC);
    require(made >= 0 && ::dup2(made, kDescriptor) == kDescriptor);
    ::close(made);
  }
  std::filesystem::path path() const { return "/proc/self/fd/100"; }
  void write(std::string_view text) const {
    require(::ftruncate(kDescriptor, 0) == 0);
    require(::pwrite(kDescriptor, text.data(), text.size(), 0) ==
            static_cast<ssize_t>(text.size()));
  }
};

}  // namespace nae::fuzz
