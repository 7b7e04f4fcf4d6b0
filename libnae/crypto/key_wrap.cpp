#include "libnae/crypto/key_wrap.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <new>

#include "libnae/crypto/handle.hpp"

namespace nae::crypto {
namespace {

using Cipher = handle<EVP_CIPHER, EVP_CIPHER_free>;
using CipherContext = handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr std::size_t kMostOverheadBytes = 15;  // 8, and padding to a multiple of 8
constexpr std::size_t kKeyBytes = 32;

// 1 where OpenSSL did it. `out` has room for `in` and kMostOverheadBytes.
int transform(const SecretBytes& by, ByteView in, Byte* out, int& size, bool wraps) {
  if (by.size() != kKeyBytes || in.empty() || in.size() > INT_MAX / 2) return 0;
  const Cipher cipher(EVP_CIPHER_fetch(nullptr, "AES-256-WRAP-PAD", nullptr));
  const CipherContext context(EVP_CIPHER_CTX_new());
  if (!cipher || !context) throw std::bad_alloc();
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  if (EVP_CipherInit_ex2(context.get(), cipher.get(), by.expose().data(), nullptr, wraps ? 1 : 0,
                         nullptr) != 1)
    return 0;
  return EVP_CipherUpdate(context.get(), out, &size, in.data(), static_cast<int>(in.size()));
}

}  // namespace

Result<Bytes> wrap_kwp(const SecretBytes& by, ByteView key) {
  Bytes wrapped(key.size() + kMostOverheadBytes);
  int size = 0;
  if (transform(by, key, wrapped.data(), size, true) != 1) {
    ERR_clear_error();  // or a later TLS call on this thread finds it
    return fail(Code::invalid_argument, "the key cannot be wrapped");
  }
  wrapped.resize(static_cast<std::size_t>(size));
  return wrapped;
}

Result<SecretBytes> unwrap_kwp(const SecretBytes& by, ByteView wrapped) {
  SecretBytes padded(wrapped.size() + kMostOverheadBytes);
  int size = 0;
  if (transform(by, wrapped, padded.expose_for_writing().data(), size, false) != 1 || size <= 0) {
    ERR_clear_error();
    return fail(Code::authentication_failed, "the wrapped key is not of this wrapping key");
  }
  SecretBytes key(static_cast<std::size_t>(size));
  std::ranges::copy(padded.expose().first(key.size()), key.expose_for_writing().begin());
  return key;
}

}  // namespace nae::crypto
