// For tests: the generator of a process that was resumed from a snapshot of its memory. While this
// lives, OpenSSL draws what it has drawn before, in every library of the process.
#pragma once

#include <openssl/rand.h>

#include <cstring>

namespace nae::crypto::testing {

// RAND_set_rand_method() is deprecated since OpenSSL 3.0 and is what puts a generator in the place
// of all others.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

class ClonedGenerator {
 public:
  ClonedGenerator() {
    static const RAND_METHOD kMethod{nullptr, &draw, nullptr, nullptr, &draw, &status};
    RAND_set_rand_method(&kMethod);
  }
  ~ClonedGenerator() { RAND_set_rand_method(nullptr); }
  ClonedGenerator(const ClonedGenerator&) = delete;
  ClonedGenerator& operator=(const ClonedGenerator&) = delete;

 private:
  static int draw(unsigned char* out, int size) {
    std::memset(out, 0x5a, static_cast<std::size_t>(size));
    return 1;
  }
  static int status() { return 1; }
};

#pragma GCC diagnostic pop

}  // namespace nae::crypto::testing
