#include "libnae/crypto/secret.hpp"

#include <openssl/crypto.h>

#include <new>
#include <string>

namespace nae::crypto {
namespace {

// The smallest block the heap hands out; small, because keys are.
constexpr std::size_t kSmallestBlockBytes = 32;

}  // namespace

Result<SecureHeap> SecureHeap::take(std::size_t bytes) {
  if (CRYPTO_secure_malloc_initialized())
    return fail(Code::internal, "the secure heap was taken already");
  // 1: mapped and locked. 2: mapped, but not locked or not excluded from core dumps; keys could
  // reach the swap device, so that is a failure too.
  int result = CRYPTO_secure_malloc_init(bytes, kSmallestBlockBytes);
  if (result == 1) return SecureHeap();
  if (result == 2) CRYPTO_secure_malloc_done();
  return fail(Code::internal,
              "cannot lock " + std::to_string(bytes) + " bytes of memory for key material",
              "Raise RLIMIT_MEMLOCK: LimitMEMLOCK= in the systemd unit, or 'ulimit -l'.");
}

// Does nothing while secrets are alive: OpenSSL keeps the heap rather than pull it from under them.
SecureHeap::~SecureHeap() {
  if (owner_) CRYPTO_secure_malloc_done();
}

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  // Without a heap OpenSSL would quietly hand out ordinary memory.
  if (!CRYPTO_secure_malloc_initialized()) throw std::bad_alloc();
  data_ = static_cast<Byte*>(OPENSSL_secure_malloc(size));
  if (!data_) throw std::bad_alloc();
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() {
  wipe();
}

void SecretBytes::wipe() noexcept {
  OPENSSL_secure_clear_free(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace nae::crypto
