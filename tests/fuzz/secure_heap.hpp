// OpenSSL's secure heap, as the programs take it, where LeakSanitizer looks for pointers too:
// generators of random numbers live in it and own memory outside.
#pragma once

#include <openssl/crypto.h>
#include <sanitizer/lsan_interface.h>

#include <cinttypes>
#include <cstdio>

#include "libnae/crypto/secret.hpp"
#include "tests/fuzz/property.hpp"

namespace nae::fuzz {

// For the rest of the process.
inline void take_secure_heap() {
  static auto heap = crypto::SecureHeap::take(1u << 20);
  require(heap.has_value());
  void* const inside = OPENSSL_secure_malloc(1);
  const auto address = reinterpret_cast<std::uintptr_t>(inside);
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  require(maps != nullptr);
  char line[512];
  std::uintptr_t begin = 0, end = 0;
  while (std::fgets(line, sizeof line, maps) != nullptr &&
         (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) != 2 || end <= address)) {
  }
  std::fclose(maps);
  require(begin <= address && address < end);
  __lsan_register_root_region(reinterpret_cast<void*>(begin), end - begin);
  OPENSSL_secure_free(inside);
}

}  // namespace nae::fuzz
