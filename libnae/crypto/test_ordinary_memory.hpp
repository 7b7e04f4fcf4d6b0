// For tests: whether some bytes are anywhere in the process's memory that may reach the swap
// device or a core dump.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>

#include "libnae/crypto/secret.hpp"

namespace nae::crypto {

// `secret` itself is in locked memory, which is not looked at; nor is what nobody may write. Memory
// that was given back counts: what was not wiped is still there.
inline bool is_in_ordinary_memory(const SecretBytes& secret) {
  std::ifstream maps("/proc/self/smaps");
  std::uintptr_t begin = 0, end = 0;
  bool writable = false, found = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long from = 0, to = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s", &from, &to, mode) == 3) {
      begin = from;
      end = to;
      writable = mode[0] == 'r' && mode[1] == 'w' && line.find("[vv") == std::string::npos;
    } else if (line.starts_with("VmFlags:") && writable && line.find(" lo") == std::string::npos) {
      found = found || ::memmem(reinterpret_cast<const void*>(begin), end - begin,
                                secret.expose().data(), secret.size()) != nullptr;
    }
  }
  return found;
}

}  // namespace nae::crypto
