#include "libnae/crypto/random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace nae::crypto {
namespace {

constexpr std::size_t kFreshBytes = 256;

Result<void> failed() {
  return fail(Code::internal, "the random generator failed");
}

#ifdef __x86_64__
// Intel's manual, volume 1, section 7.3.17.1: the generator may be busy, ten tries are enough.
__attribute__((target("rdrnd"))) bool processor_random(std::uint64_t& out) {
  for (int tries = 0; tries < 10; ++tries) {
    unsigned long long drawn = 0;
    if (__builtin_ia32_rdrand64_step(&drawn) == 1) {
      out = drawn;
      return true;
    }
  }
  return false;
}

// Asked of the processor itself: not every compiler's builtin knows the name of this feature.
bool has_processor_random() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) == 1 && (c & bit_RDRND) != 0;
}
#endif

// Best effort: what the kernel gave stands under it.
void mix_processor_random([[maybe_unused]] ByteSpan out) {
#ifdef __x86_64__
  static const bool kAvailable = has_processor_random();
  if (!kAvailable) return;
  while (!out.empty()) {
    std::uint64_t drawn = 0;
    if (!processor_random(drawn)) return;
    std::array<Byte, sizeof drawn> bytes;
    std::memcpy(bytes.data(), &drawn, sizeof drawn);
    const std::size_t part = std::min(out.size(), bytes.size());
    for (std::size_t i = 0; i < part; ++i) out[i] ^= bytes[i];
    out = out.subspan(part);
  }
#endif
}

}  // namespace

Result<void> fresh_random(ByteSpan out) {
  if (out.size() > kFreshBytes ||
      ::getrandom(out.data(), out.size(), 0) != static_cast<ssize_t>(out.size()))
    return failed();
  mix_processor_random(out);
  return {};
}

Result<void> mix_fresh_random(ByteSpan out) {
  std::array<Byte, kFreshBytes> fresh;
  while (!out.empty()) {
    const std::size_t part = std::min(out.size(), fresh.size());
    NAE_TRY(fresh_random(ByteSpan(fresh).first(part)));
    for (std::size_t i = 0; i < part; ++i) out[i] ^= fresh[i];
    out = out.subspan(part);
  }
  OPENSSL_cleanse(fresh.data(), fresh.size());
  return {};
}

Result<void> random_bytes(ByteSpan out) {
  if (out.size() > INT_MAX || RAND_bytes(out.data(), static_cast<int>(out.size())) != 1)
    return failed();
  return mix_fresh_random(out);
}

Result<void> reseed() {
  std::array<Byte, 48> fresh;
  NAE_TRY(fresh_random(fresh));
  RAND_add(fresh.data(), fresh.size(), 0);  // counted as nothing: the kernel is asked as well
  OPENSSL_cleanse(fresh.data(), fresh.size());
  if (RAND_poll() != 1) return failed();
  return {};
}

}  // namespace nae::crypto
