// AES-256-GCM by OpenSSL: any CPU.
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "libnae/crypto/cipher_contexts.hpp"
#include "libnae/crypto/gcm.hpp"

namespace nae::crypto {
namespace {

// Calls below fail only when memory runs out or OpenSSL is broken.
void require(bool good) {
  if (!good) throw std::runtime_error("OpenSSL failed to compute AES-256-GCM");
}

CipherContexts::Context keyed(ByteView key) {
  handle<EVP_CIPHER, EVP_CIPHER_free> cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
  CipherContexts::Context context(EVP_CIPHER_CTX_new());
  require(cipher && context && key.size() == kGcmKeyBytes &&
          EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), nullptr, 1, nullptr) == 1);
  return context;
}

class OpensslGcm final : public Aes256Gcm {
 public:
  explicit OpensslGcm(ByteView key) : contexts_(keyed(key)) {}

  void seal(std::span<const Byte, kGcmNonceBytes> nonce, ByteView header, ByteView aad,
            ByteView plaintext, ByteSpan ciphertext,
            std::span<Byte, kGcmTagBytes> tag) const override {
    CipherContexts::Loan context(contexts_);
    start(context.get(), nonce, header, aad, true);
    update(context.get(), ciphertext.data(), plaintext);
    int none = 0;
    require(EVP_CipherFinal_ex(context.get(), tag.data(), &none) == 1 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, tag.data()) ==
                1);
  }

  bool open(std::span<const Byte, kGcmNonceBytes> nonce, ByteView header, ByteView aad,
            ByteView ciphertext, std::span<const Byte, kGcmTagBytes> tag,
            ByteSpan plaintext) const override {
    CipherContexts::Loan context(contexts_);
    start(context.get(), nonce, header, aad, false);
    update(context.get(), plaintext.data(), ciphertext);
    std::array<Byte, kGcmTagBytes> expected;
    std::copy(tag.begin(), tag.end(), expected.begin());
    int none = 0;
    require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes,
                                expected.data()) == 1);
    if (EVP_CipherFinal_ex(context.get(), expected.data(), &none) == 1) return true;
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return false;
  }

 private:
  static void start(EVP_CIPHER_CTX* context, std::span<const Byte, kGcmNonceBytes> nonce,
                    ByteView header, ByteView aad, bool encrypt) {
    require(EVP_CipherInit_ex2(context, nullptr, nullptr, nonce.data(), encrypt ? 1 : 0, nullptr) ==
            1);
    update(context, nullptr, header);
    update(context, nullptr, aad);
  }

  // EVP counts in int: long values go in pieces. `out` nullptr: associated data.
  static void update(EVP_CIPHER_CTX* context, Byte* out, ByteView in) {
    constexpr std::size_t kPieceBytes = 1u << 30;
    while (!in.empty()) {
      ByteView piece = in.first(std::min(in.size(), kPieceBytes));
      int written = 0;
      require(EVP_CipherUpdate(context, out, &written, piece.data(),
                               static_cast<int>(piece.size())) == 1);
      if (out) out += piece.size();
      in = in.subspan(piece.size());
    }
  }

  CipherContexts contexts_;
};

class OpensslGcmProvider final : public GcmProvider {
 public:
  std::string_view name() const override { return "openssl"; }
  std::unique_ptr<const Aes256Gcm> key(const SecretBytes& key) const override {
    return std::make_unique<const OpensslGcm>(key.expose());
  }
};

}  // namespace

std::unique_ptr<const GcmProvider> openssl_gcm() {
  return std::make_unique<const OpensslGcmProvider>();
}

}  // namespace nae::crypto
